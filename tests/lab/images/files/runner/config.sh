#!/bin/bash
# Makes the runner known to GitHub, or takes it off again with `remove`.
if [[ $(id -u) -eq 0 && -z ${RUNNER_ALLOW_RUNASROOT:-} ]]; then
  echo "Must not run with sudo"
  exit 1
fi
here=$(cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
cd "$here" || exit 1
case ${1:-} in
  remove) exec ./bin/Runner.Listener "$@" ;;
  *) exec ./bin/Runner.Listener configure "$@" ;;
esac
