#!/bin/bash
# Starts the runner again as long as run-helper.sh says so. Stands at the path of the original's run.sh.
here=$(cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)

# The image's own store learns what lies in /usr/local/share/ca-certificates. A failure is told and passed over.
update_certificates() {
  local by=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "Warning: failed to update certificate store: sudo is required but not found"; return 1; }
    by=(sudo)
  fi
  if command -v update-ca-certificates >/dev/null; then
    "${by[@]}" update-ca-certificates
  elif command -v update-ca-trust >/dev/null; then
    "${by[@]}" update-ca-trust
  else
    echo "Warning: failed to update certificate store: update-ca-certificates or update-ca-trust not found."
    return 1
  fi
}

signaled=0
forward() {
  signaled=1
  kill -INT -- "-$helper" 2>/dev/null
}

# RUNNER_MANUALLY_TRAP_SIG: the helper gets its own process group, and TERM becomes the INT that it ends on.
run() {
  cp -f "$here/run-helper.sh.template" "$here/run-helper.sh"
  if [[ -z ${RUNNER_MANUALLY_TRAP_SIG:-} ]]; then
    "$here/run-helper.sh" "$@"
    return
  fi
  set -m
  trap forward INT TERM
  "$here/run-helper.sh" "$@" &
  helper=$!
  wait "$helper"
  local code=$?
  if ((signaled)); then
    wait "$helper"
    code=$?
  fi
  return "$code"
}

[[ -z ${RUNNER_UPDATE_CA_CERTS:-} ]] || update_certificates

while :; do
  run "$@"
  code=$?
  if ((code != 2)); then
    echo "Exiting runner..."
    # Without a trap of its own the original hides the code.
    [[ -n ${RUNNER_MANUALLY_TRAP_SIG:-} ]] && exit "$code"
    exit 0
  fi
  echo "Restarting runner..."
done
