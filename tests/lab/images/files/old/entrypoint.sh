#!/bin/bash
# Entry point of runner images of the first generation before v0.20.0 of ARC (2021): it moves the runner from the image
# into /runner instead of copying it. With a volume there, that fails as soon as the container is started again in its
# pod: the targets stand already (actions-runner-controller#686). Nothing here checks for it, as nothing did there.

GITHUB_URL=${GITHUB_URL:-https://github.com/}
[[ $GITHUB_URL == */ ]] || GITHUB_URL+=/

if [[ -z ${RUNNER_NAME:-} ]]; then
  echo "RUNNER_NAME must be set" >&2
  exit 1
fi
if [[ -n ${RUNNER_ORG:-} && -n ${RUNNER_REPO:-} && -n ${RUNNER_ENTERPRISE:-} ]]; then
  scope=$RUNNER_ORG/$RUNNER_REPO
elif [[ -n ${RUNNER_ORG:-} ]]; then
  scope=$RUNNER_ORG
elif [[ -n ${RUNNER_REPO:-} ]]; then
  scope=$RUNNER_REPO
elif [[ -n ${RUNNER_ENTERPRISE:-} ]]; then
  scope=enterprises/$RUNNER_ENTERPRISE
else
  echo "At least one of RUNNER_ORG or RUNNER_REPO or RUNNER_ENTERPRISE must be set" >&2
  exit 1
fi
if [[ -z ${RUNNER_TOKEN:-} ]]; then
  echo "RUNNER_TOKEN must be set" >&2
  exit 1
fi
group=
[[ -n ${RUNNER_REPO:-} ]] || group=${RUNNER_GROUP:-}
if [[ ! -d /runner ]]; then
  echo "/runner should be an emptyDir mount. Please fix the pod spec." >&2
  exit 1
fi

sudo chown -R runner:docker /runner
mv /runnertmp/* /runner/

cd /runner || exit 1
./config.sh --unattended --replace --name "$RUNNER_NAME" --url "$GITHUB_URL$scope" --token "$RUNNER_TOKEN" \
  --runnergroup "$group" --labels "${RUNNER_LABELS:-}" --work "${RUNNER_WORKDIR:-}"
mkdir ./externals
mv ./externalstmp/* ./externals/

unset RUNNER_NAME RUNNER_REPO RUNNER_TOKEN
exec ./run.sh --once
