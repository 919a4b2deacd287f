#!/bin/bash
# Entry point of runner images of the first generation, as from 2022 on (v2.28x and newer).
# Not modelled: hooks around jobs, update-status, --once.

log() { printf '%s %s\n' "$(date +%FT%T)" "$*" >&2; }
fail() { log "error: $*"; exit 1; }

RUNNER_ASSETS_DIR=${RUNNER_ASSETS_DIR:-/runnertmp}
RUNNER_HOME=${RUNNER_HOME:-/runner}

if [[ -n ${STARTUP_DELAY_IN_SECONDS:-} ]]; then
  log "Delaying startup by $STARTUP_DELAY_IN_SECONDS seconds"
  sleep "$STARTUP_DELAY_IN_SECONDS"
fi

if [[ ${DISABLE_WAIT_FOR_DOCKER:-} != true && ${DOCKER_ENABLED:-} == true ]]; then
  log "Waiting until Docker is available or the timeout of ${WAIT_FOR_DOCKER_SECONDS:=120} seconds is reached"
  timeout "${WAIT_FOR_DOCKER_SECONDS}s" bash -c 'until docker ps; do sleep 1; done'
else
  log 'Docker wait check skipped. Either Docker is disabled or the wait is disabled, continuing with entrypoint'
fi

GITHUB_URL=${GITHUB_URL:-https://github.com/}
[[ $GITHUB_URL == */ ]] || GITHUB_URL+=/

[[ -n ${RUNNER_NAME:-} ]] || fail 'RUNNER_NAME must be set'
if [[ -n ${RUNNER_ORG:-} && -n ${RUNNER_REPO:-} && -n ${RUNNER_ENTERPRISE:-} ]]; then
  scope=$RUNNER_ORG/$RUNNER_REPO
elif [[ -n ${RUNNER_ORG:-} ]]; then
  scope=$RUNNER_ORG
elif [[ -n ${RUNNER_REPO:-} ]]; then
  scope=$RUNNER_REPO
elif [[ -n ${RUNNER_ENTERPRISE:-} ]]; then
  scope=enterprises/$RUNNER_ENTERPRISE
else
  fail 'At least one of RUNNER_ORG, RUNNER_REPO, or RUNNER_ENTERPRISE must be set'
fi
[[ -n ${RUNNER_TOKEN:-} ]] || fail 'RUNNER_TOKEN must be set'
group=
[[ -n ${RUNNER_REPO:-} ]] || group=${RUNNER_GROUP:-}
[[ -d $RUNNER_HOME ]] || fail "$RUNNER_HOME should be an emptyDir mount. Please fix the pod spec."

sudo chown -R runner:docker "$RUNNER_HOME"
# A copy, so that another device is no matter; with the files whose names begin with a dot.
shopt -s dotglob
cp -r "$RUNNER_ASSETS_DIR"/* "$RUNNER_HOME"/
shopt -u dotglob
cd "$RUNNER_HOME" || exit 1

arguments=()
[[ ${RUNNER_EPHEMERAL:-} != true ]] || arguments+=(--ephemeral)
[[ ${DISABLE_RUNNER_UPDATE:-} != true ]] || arguments+=(--disableupdate)

# TERM takes the runner off GitHub's list before it ends.
stopped=0
stop() {
  stopped=1
  [[ ! -f .runner ]] || ./config.sh remove --token "$token"
  [[ -z ${child:-} ]] || kill -INT -- "-$child" 2>/dev/null
}
token=$RUNNER_TOKEN
trap stop TERM

for ((left = 10; left > 0; left--)); do
  ./config.sh --unattended --replace --name "$RUNNER_NAME" --url "$GITHUB_URL$scope" --token "$RUNNER_TOKEN" \
    --runnergroup "$group" --labels "${RUNNER_LABELS:-}" --work "${RUNNER_WORKDIR:-}" "${arguments[@]}"
  [[ ! -f .runner ]] || break
  log 'Configuration failed. Retrying'
  sleep 1
done
if [[ ! -f .runner ]]; then
  log 'error: Configuration failed!'
  exit 2
fi

if [[ -e externalstmp ]]; then
  mkdir -p externals
  mv externalstmp/* externals/
fi

# Jobs must not see these.
unset RUNNER_NAME RUNNER_REPO RUNNER_TOKEN STARTUP_DELAY_IN_SECONDS DISABLE_WAIT_FOR_DOCKER
mapfile -t environment </etc/environment
set -m
env -- "${environment[@]}" ./run.sh &
child=$!
wait "$child"
code=$?
if ((stopped)); then
  # The trap ended that wait; the child's own end is what counts.
  wait "$child"
  code=$?
fi
exit "$code"
