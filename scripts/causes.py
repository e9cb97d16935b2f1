"""Why each failure comes about, for docs/errors.md: a row for each sentence that `failures` finds, and no other."""

from __future__ import annotations

HALTED = "Ctrl-C, or SIGTERM"
TYPED = "what was typed has another form, or is out of range"
FILE = "the file is missing, a folder, or may not be read by you"
AWAY = "the engine on the host crashed, was stopped or hangs"
BINARY = "the host's distribution has no package of the credential helper, or it was put elsewhere"

CAUSES = {
    # 1: a command failed
    "A fault of the task itself: ….": "a bug, in galos-ops or in a task of your own",
    "HOST: SERVICE: a node could not fetch the image; what ran before is untouched.": (
        "the node's disk is full, it does not reach the registry, or the token that it was handed has expired"
    ),
    "HOST: SERVICE: could not pull …; what ran before is untouched.": (
        "the tag was never pushed, the registry does not let the host in, or the disk is full"
    ),
    "HOST: SERVICE: interrupted; the command was ended.": HALTED,
    "HOST: SERVICE: interrupted; the migration goes on in the container …, and ….": (
        f"{HALTED}, while it ran: a migration is not cut off in the middle"
    ),
    "HOST: SERVICE: the backup failed and nothing was migrated.": "`migration.backup` did not end with exit 0",
    "HOST: SERVICE: nobody reads the output; the command was ended.": "it was piped into `head`, say",
    "HOST: SERVICE: the command ended with exit ….": "the command of `exec` or `run` failed",
    "HOST: SERVICE: there is no container to start.": "the service was never deployed there, or `down` removed it",
    "HOST: SERVICE: … still runs after it was stopped.": "Docker could not end it, or something starts it again",
    "HOST: could not … (exit …).": "a command on the host failed, in its own words",
    "HOST: could not …: no answer after … s.": "the host, or its Docker engine, hangs",
    "HOST: could not …: not done after … s, stopped.": "the host is slow, or what the command waits for never came",
    "HOST: the registry does not tell what … is.": "the registry is away, or does not let the host in",
    "Interrupted before any task began.": "Ctrl-C while Fabric started",
    "… cannot be written here: ….": "the disk is full here, where the output of `exec`, `run` or `logs` goes",
    "The hosts pulled different images, 3 times in a row: a tag moves; what ran before is untouched.": (
        "somebody pushes to that tag again and again"
    ),
    "…: … not tried, as another host failed.": "the services are deployed group by group, and one ended it",
    "galos.env_command failed (…); nothing was sent.": "the command did not end with exit 0, or not in time",
    # 2: usage or configuration
    "--ci is …; it must be one of: ….": TYPED,
    "--to is …; … that tag, time or image.": "no release of the log is meant by it, or several are",
    "A configuration file of Fabric cannot be read.": "a mistake in its YAML, JSON or Python",
    "A configuration file of Fabric gives a key another shape than it has.": "a text where a mapping belongs",
    "A host of -H has a port that is no number.": "a name where the port goes",
    "A host of -H has no name.": "a comma too many",
    "An ssh_config cannot be read.": "that of -S is not there; or no ssh is, and Fabric does not know a line of it",
    "Cannot read …: ….": FILE,
    "Fabric cannot make sense of its command line or its configuration.": "as the evidence says",
    "An option of Fabric's own is to have a whole number.": "-t or -T of galos-ops with another word behind it",
    "What is configured makes no connection.": "a port or a time that is no number",
    "…: gateway or connect_kwargs make no connection.": "a word that Paramiko does not know, or one of another kind",
    "… is an option of ….": "an option of the task was typed in front of it, where Fabric's own options go",
    "HOST: its ProxyJump leads back to HOST.": "two hosts of ssh_config are each other's gateway",
    "HOST: ssh did not come to the end of its configuration within 30 s.": "a `Match exec` waits for something",
    "HOST: ssh does not accept this host or its configuration.": "a mistake in ssh_config, or in the name after -H",
    "HOST: the local keys are the root user's of …, which may do anything; not placed.": (
        "the profile that is used has the keys of the AWS account itself"
    ),
    "HOST: the local keys are …'s, which may do more than pull (…); not placed.": (
        "whoever gets into the host could do that as well"
    ),
    "No service is named … in galos.services.": "a slip of the pen, or another project's fabfile.yml",
    "Nothing was written: there is already ….": "`galos-ops init` replaces no file",
    "One host is named twice; nothing was changed.": "-H or galos.hosts has it twice",
    "Only half of the keys are set for …": "an access key without its secret, or the other way round",
    "The AWS configuration of this machine cannot be read": "a mistake in ~/.aws/config or ~/.aws/credentials",
    "The account that this runs as has no name.": "a container that runs under a number which its /etc/passwd lacks",
    "The command cannot be read: ….": "a quote is not closed",
    "The configuration has ….": "keys that are unknown, or values of another kind, each on a line of its own",
    "The local AWS credentials are a session's: they expire, and the host would lose the registry.": (
        "you are logged in by SSO or with an assumed role"
    ),
    "The local AWS keys hold characters that no AWS key has.": "they were copied with something around them",
    "There is no command.": "`exec` or `run` without one",
    "There is no terminal to ask for the password.": "a --prompt-for option in CI or in a pipe",
    "There is no … on this machine.": "the file that galos.env_file names was not written yet, or is in another folder",
    "There is no … ….": "a slip of the pen, or a task of another version",
    "There is no ….": "-f names a file that is not there, which Fabric itself passes over",
    "This machine does not have …": "galos.ecr.profile names a profile that ~/.aws does not have",
    "This machine has no AWS keys for …": "no keys in the environment, and none in the profile of ~/.aws that is used",
    "What galos.env_command prints is not UTF-8 text.": "it prints something else than a .env",
    "fab --dry would change the host all the same.": "Fabric's flag keeps only its own `run` from running",
    "galos in … must be a mapping, not ….": "a value where its keys belong",
    "galos.env_command gives an empty .env.": "it found nothing, and ended with exit 0",
    "galos.env_command is ssm:…; a path of the parameter store begins with /.": "the slash is missing",
    "galos.env_command is ssm:…, below which … has … values.": "the path has several environments below it",
    "hold takes --for and --because, or --end.": "neither of both was given, or one half",
    "… and … are the same machine; nothing was changed.": "two names, or two accounts, of one Docker host",
    "… cannot be sent as it is.": "lines of it are refused, each with its reason",
    "… is for one service, and there are ….": "galos.services has several",
    "… is not UTF-8 text.": "the file has another encoding",
    "… has a port that is not from 1 to 65535.": "a slip of the pen",
    "… has the key …, which is ….": "a number, a date or yes where a name belongs",
    "… is not YAML.": "a mistake in the file, at the line that is named",
    "… is …; it must be UTF-8 text.": "a terminal, or a script, of another encoding",
    "… is …; it must be a Docker tag, or a digest: sha256: and 64 digits.": TYPED,
    "… is …; it must be at least 1s and at most 30d.": TYPED,
    "… is …; it must be a regular expression: ….": TYPED,
    "… is …; it must be a time such as 90s, 10m, 2h or 1d.": TYPED,
    "… is …; it must be a whole number, at least ….": TYPED,
    "… must be a mapping, not ….": "the file holds a list or a text",
    "… runs on a Docker host, and none is named.": "neither -H nor galos.hosts",
    "… takes its command as one word; what follows -- would run on the host itself.": (
        "to Fabric a remainder is a command of its own"
    ),
    "… was called with a ….": "a task was called from Python with something that is no connection",
    # 3: cannot connect
    "Cannot reach AWS from this machine": "no network, a proxy, or a CA that is not trusted",
    "HOST: its SSH host key has changed (known: … …, offered: …); nothing was run.": (
        "the host was reinstalled, or another machine answers in its place"
    ),
    "HOST: its SSH host key … is not in known_hosts as …; nothing was run.": "first contact with that name",
    "HOST: its SSH host key … is revoked in …; nothing was run.": "a line `@revoked` in known_hosts",
    "HOST: only the certificate authority in … vouches for its SSH host key, and certificates are not checked; "
    "nothing was run.": "a line `@cert-authority` in known_hosts, and none with the key of the host",
    "HOST: the connection was lost while trying to …; what ran on the host may still run there.": (
        "the network broke, or the host went away"
    ),
    "HOST: the connection was lost.": "the network broke, or the host went away, while it was connected to",
    "…: cannot connect to …….": "the host is down, a firewall is between, or sshd is at another port",
    "…: no address is known for ….": "a slip of the pen, or DNS",
    "…: … refused our key or password.": "the account does not know your key, or another one was offered",
    # 4: somebody else has the host
    "HOST: the lock expired, as no heartbeat reached the host for too long; nothing was done to ….": (
        "a frozen client, or a link that carried nothing for a while"
    ),
    "HOST: …; nothing was changed.": "another task changes the host, or somebody holds it, as the sentence says",
    "HOST: …; what is not well may be its work.": "another task changes the host in this moment",
    "hooks.before refused … (…); nothing was changed.": "the command of `hooks.before` did not end with exit 0",
    # 5: the guard
    "HOST: SERVICE: a migration ran since …, which must not start on the newer schema.": (
        "the check of the older image is not clean on today's database"
    ),
    "HOST: SERVICE: a migration that an earlier run began is still running on the host.": (
        "its client was killed or lost; the migration was not"
    ),
    "HOST: SERVICE: cannot tell whether anything of it still runs; nothing was migrated.": (
        f"{AWAY}, just before the migration"
    ),
    "HOST: SERVICE: cannot tell whether migrations are pending; nothing is started while that is unknown.": (
        "the check did not run, or its answer has no such meaning: a database that is away, another DATABASE_URL, an "
        "older image"
    ),
    "HOST: SERVICE: docker-compose started …, not the … that was checked, and was stopped again.": (
        "somebody moved the tag on the host in that moment"
    ),
    "HOST: SERVICE: it is down: an earlier run began its migration, and the image before must not start.": (
        "a service that shares the database was left down by a run that did not end"
    ),
    "HOST: SERVICE: its container was made with another .env or compose file than there is now; it is not started.": (
        "`start` starts what is there; the files were changed since"
    ),
    "HOST: SERVICE: nothing was migrated, as … beside it.": "somebody started it after the stop",
    "HOST: SERVICE: somebody changed the service just when …; it may run what nobody checked.": (
        "two people at one stack"
    ),
    "HOST: SERVICE: … migration… of this image pending; it is not started.": (
        "the image needs a newer schema, and `up`, `start` and `run` migrate nothing"
    ),
    "HOST: SERVICE: …, and nothing is migrated while it does.": "`migrate` stops nothing by itself",
    "HOST: a migration of its … began and is not known to be over; nothing is started until it is.": (
        "a run on several hosts, or on a cluster, was killed or lost while it migrated"
    ),
    "HOST: a migration runs: …; nothing was stopped.": "`down` or `stop` would end it in the middle",
    "HOST: … would run on there beside a migration; nothing was changed.": (
        "galos.hosts has more hosts than this deploy, and they share the database"
    ),
    # 6: the migration failed
    "HOST: SERVICE: the migration failed (…); … until it succeeds.": "as the brackets say",
    "HOST: SERVICE: the migration was not done after … s and was stopped; ….": (
        "it waits for a lock in the database, or `migration.timeout` is short for what it does"
    ),
    # 7: the new container did not stay up
    "HOST: SERVICE: docker stack deploy could not start ….": "Docker refused it, in its own words",
    "HOST: SERVICE: docker-compose could not start ….": (
        "docker-compose refused it, in its own words: a port that is taken, a mount that is not there"
    ),
    "HOST: SERVICE: …: its container is gone.": "somebody removed it while it was watched",
    "HOST: SERVICE: …: its container did not stay up.": "the program ended, as its log says",
    "HOST: SERVICE: …: its container restarts again and again.": "the program ends, and `restart:` begins it anew",
    "HOST: SERVICE: …: its health check says unhealthy.": "the command of `healthcheck:` fails in the container",
    "HOST: SERVICE: …: its health check did not pass within 600 s.": (
        "the program is slow to begin, or its `healthcheck:` asks for what it does not have"
    ),
    "HOST: SERVICE: …: a container of it did not stay up.": "the program ended, as its log says",
    "HOST: SERVICE: …: a node could not start it.": "the image, a mount or a network is not there, in Docker's words",
    "HOST: SERVICE: …: Swarm stopped the update.": "a new container failed while the others still ran",
    "HOST: SERVICE: …: somebody changed the service meanwhile.": "two people at one stack",
    "HOST: SERVICE: …: not all of its containers ran within 600 s.": (
        "no node has room for it or fits its constraints, or the program is slow to begin"
    ),
    # 8: the host, or AWS, is not ready
    "AWS answered … with an error": "trouble at AWS, or a call that it does not take",
    "AWS does not let … do this": "the IAM policy of these keys does not have the action",
    "AWS refused the keys of …": "they were deleted, made inactive, or mistyped",
    "AWS refused the time of this machine": "its clock is wrong by more than some minutes",
    "HOST and HOST differ in which services share a database; nothing was changed.": (
        "their .env or compose files differ"
    ),
    "HOST: SERVICE: a container that is not the stack's still runs the service: ….": "somebody started it by hand",
    "HOST: SERVICE: a container that is not this project's still runs the service: ….": "somebody started it by hand",
    "HOST: SERVICE: a one-off container of the service runs, and nothing is migrated beside it: …; "
    "nothing was changed.": "somebody's `docker-compose run`, or our `run`",
    "HOST: SERVICE: a stack cannot have …; nothing was changed.": (
        "`docker stack deploy` knows no such key, and without it the service would be another"
    ),
    "HOST: SERVICE: another compose project on the host runs this service too: ….": (
        "it was started from another directory, or by another account"
    ),
    "HOST: SERVICE: docker-compose runs this service on the host, beside the cluster: ….": (
        "it is left from the time before the Swarm"
    ),
    "HOST: SERVICE: it depends on …, which does not run and is not started behind its own guard; "
    "nothing was changed.": "`depends_on` names another service of galos.services, which is down",
    "HOST: SERVICE: it depends on …, which would run to its end unchecked each time it starts; nothing was changed.": (
        "`service_completed_successfully`, or a service that carries migrations, in `depends_on`"
    ),
    "HOST: SERVICE: no container of it runs.": "it is stopped, or was never deployed there",
    "HOST: SERVICE: not started, as it depends on ….": "that one was to start before it and did not",
    "HOST: SERVICE: the Docker engine stopped answering; whether the service runs is not known.": AWAY,
    "HOST: SERVICE: the cluster does not tell what it runs; whether the service does is not known.": (
        "no majority of its managers answers"
    ),
    "HOST: SERVICE: the image … of that release is gone from the host.": "somebody removed it, or it was pruned",
    "HOST: SERVICE: the image … that carries its migrations is not on the host.": "it was never pulled, or removed",
    "HOST: SERVICE: the lifecycle hook … would be run by docker-compose, outside of the guard; nothing was changed.": (
        "`pre_start`, `post_start` or `pre_stop` in the compose file"
    ),
    "HOST: SERVICE: the registry gave … no digest, so other nodes could not fetch it.": (
        "the image was built on the host, or loaded from a file"
    ),
    "HOST: SERVICE: the stack has no such service.": "it was never deployed there, or `down` removed it",
    "HOST: SERVICE: there is no earlier release to go back to.": "the log of releases has one release, or none",
    "HOST: SERVICE: … does not answer, or not for a minute yet, so that nobody knows whether the service runs there; "
    "nothing is migrated until that is known.": "a node that is cut off goes on running what it has",
    "HOST: SERVICE: … starts …, not ….": "the compose file has another `image:` than galos.services",
    "HOST: a start-up file of the login shell prints text of its own, which breaks scripts.": (
        "an `echo` in ~/.bashrc, or a greeting"
    ),
    "HOST: another manager of the cluster is the one that changes it by now; nothing was done to ….": (
        "the home of the stack was moved while this run was under way"
    ),
    "HOST: the cluster does not tell which of its managers changes it; nothing was done to ….": (
        "no majority of its managers answers"
    ),
    "HOST: cannot install docker-credential-ecr-login: none of … is there.": BINARY,
    "HOST: the login shell is csh or tcsh, to which no script can be sent; nothing was done.": (
        "the account's shell in /etc/passwd: a csh would run a script line by line"
    ),
    "HOST: cannot read …; it was left as it is.": "the account may not read it, or it is no file",
    "HOST: cannot take the lock in the service's directory; ….": (
        "a file system without locks (NFS, say), a full disk, or a `flock` that is not util-linux's"
    ),
    "HOST: could not …: it needs root, and sudo asks for a password.": "the account has no sudo without a password",
    "HOST: … found: ….": "the doctor's rows say why, each with its command",
    "HOST: … in … has no service ….": "the compose file and galos.services name the service differently",
    "HOST: … is installed, but docker-credential-ecr-login is not on the PATH.": BINARY,
    "HOST: … was changed by somebody else meanwhile; it was left as it is.": "two people, or a program, at one file",
    "SERVICE finds its database at …, which is another one on each host; nothing was changed.": (
        "DATABASE_URL of a fleet names localhost, a container or a socket"
    ),
    "SERVICE has another database on HOST than on HOST, so they are no fleet; nothing was changed.": (
        "DATABASE_URL differs between their .env files"
    ),
    "The credentials of … have expired": "they are a session's",
    "The parameter store has nothing under … in ….": "another path, region or account",
    "The registry has no such repository": "it was never made, or is another account's",
    "… cannot be read as it should; it was left as it is.": "somebody left it broken, or in another format",
}
