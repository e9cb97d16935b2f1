#!/bin/sh
# The front door: each command is printed as a person would type it, then run.
set -eu

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

refused() {
  printf '\n$ %s\n' "$*"
  code=0
  "$@" || code=$?
  printf '(exit %s)\n' "$code"
  [ "$code" = 5 ]
}

run fab sandbox.down
run fab sandbox.up
printf '\n$ . sandbox/env\n'
. sandbox/env

run fab -S sandbox/ssh_config -H sandbox setup
run fab -S sandbox/ssh_config -H sandbox deploy

run fab sandbox.publish v2
run fab -S sandbox/ssh_config -H sandbox pull
refused fab -S sandbox/ssh_config -H sandbox up
run fab -S sandbox/ssh_config -H sandbox deploy
run fab -S sandbox/ssh_config -H sandbox logs --tail 3

printf '\nThe sandbox stays up; take it down with: fab sandbox.down\n'
