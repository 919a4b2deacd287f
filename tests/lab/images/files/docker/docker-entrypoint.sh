#!/bin/sh
# Runs a command of docker without its name; without a socket it asks the container `docker`.
set -eu
if [ "${1#-}" != "$1" ] || docker help "$1" >/dev/null 2>&1; then
  set -- docker "$@"
fi
if [ -z "${DOCKER_HOST:-}" ] && [ ! -S /var/run/docker.sock ]; then
  export DOCKER_HOST=tcp://docker:2375
  if [ -s "${DOCKER_TLS_CERTDIR:-}/client/ca.pem" ]; then
    export DOCKER_HOST=tcp://docker:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$DOCKER_TLS_CERTDIR/client"
  fi
fi
exec "$@"
