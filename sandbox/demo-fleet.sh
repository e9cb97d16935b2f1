#!/bin/sh
# Three hosts on one database: each command is printed as a person would type it, then run.
set -eu

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run fab sandbox.down
run fab sandbox.up --hosts 3
printf '\n$ . sandbox/env\n'
. sandbox/env
printf '\n$ export FABRIC_GALOS_HOSTS=sandbox,sandbox-2,sandbox-3\n'
export FABRIC_GALOS_HOSTS=sandbox,sandbox-2,sandbox-3

run fab -S sandbox/ssh_config setup
run fab -S sandbox/ssh_config deploy

run fab sandbox.publish v2
run fab -S sandbox/ssh_config deploy
run fab sandbox.publish v3
run fab -S sandbox/ssh_config deploy
run fab -S sandbox/ssh_config status

printf '\nThe sandbox stays up; take it down with: fab sandbox.down\n'
