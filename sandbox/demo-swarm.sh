#!/bin/sh
# Three nodes of one Docker Swarm, two replicas, one database: each command is printed as a person would type it, then run.
set -eu

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run fab sandbox.down
run fab sandbox.up --swarm 3
printf '\n$ . sandbox/env\n'
. sandbox/env
printf '\n$ export FABRIC_GALOS_ENGINE=swarm\n'
export FABRIC_GALOS_ENGINE=swarm

run fab -S sandbox/ssh_config -H sandbox setup
printf '\n$ ssh -F sandbox/ssh_config sandbox "cat >docker-compose.override.yml" <sandbox/replicas.yml\n'
ssh -F sandbox/ssh_config sandbox "cat >docker-compose.override.yml" <sandbox/replicas.yml
run fab -S sandbox/ssh_config -H sandbox deploy

run fab sandbox.publish v2
run fab -S sandbox/ssh_config -H sandbox deploy
run fab sandbox.publish v3
run fab -S sandbox/ssh_config -H sandbox deploy
run fab -S sandbox/ssh_config -H sandbox status

printf '\nThe sandbox stays up; take it down with: fab sandbox.down\n'
