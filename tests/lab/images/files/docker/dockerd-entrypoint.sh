#!/bin/sh
# Entry point of the stand-in for docker:dind. Without a command, or with flags alone, it starts dockerd on its socket and
# on TCP: with TLS and certificates of its own making below DOCKER_TLS_CERTDIR, or without where that is empty. A
# command is run as it is, dockerd through `dind`. Not modelled: rootless, DOCKER_REMOUNT_SYS_RW.
set -eu

# The names and addresses that clients may use.
alternative_names() {
  {
    ip -oneline address | awk '{ sub(/\/.*/, "", $4); print "IP:" $4 }'
    for name in docker localhost "$(hostname)"; do echo "DNS:$name"; done
    [ -z "${DOCKER_TLS_SAN:-}" ] || echo "$DOCKER_TLS_SAN"
  } | sort -u | tr '\n' ',' | sed 's/,$//'
}

key() { # FILE
  [ -s "$1" ] || openssl genrsa -out "$1" 4096
}

sign() { # FOLDER PART EXTENSION
  mkdir -p "$1/$2"
  key "$1/$2/key.pem"
  openssl req -new -key "$1/$2/key.pem" -out "$1/$2/csr.pem" -subj "/CN=docker:dind $2"
  printf '[ x509_exts ]\n%s\n' "$3" >"$1/$2/openssl.cnf"
  openssl x509 -req -in "$1/$2/csr.pem" -CA "$1/ca/cert.pem" -CAkey "$1/ca/key.pem" -CAcreateserial -out "$1/$2/cert.pem" \
    -days 825 -extfile "$1/$2/openssl.cnf" -extensions x509_exts
  cp "$1/ca/cert.pem" "$1/$2/ca.pem"
  openssl verify -CAfile "$1/$2/ca.pem" "$1/$2/cert.pem"
}

generate_certificates() { # FOLDER
  if [ -s "$1/ca/key.pem" ] || [ ! -s "$1/ca/cert.pem" ]; then
    mkdir -p "$1/ca"
    key "$1/ca/key.pem"
    openssl req -new -key "$1/ca/key.pem" -out "$1/ca/cert.pem" -subj '/CN=docker:dind CA' -x509 -days 825
  fi
  [ -s "$1/ca/key.pem" ] || return 0
  sign "$1" server "subjectAltName = $(alternative_names)"
  sign "$1" client "extendedKeyUsage = clientAuth"
  # Clients are other containers, whose users are not root.
  chmod 0644 "$1/client/key.pem"
}

# DOCKER_IPTABLES_LEGACY says which iptables there shall be; unset, nftables where it works.
choose_iptables() {
  if [ -n "${DOCKER_IPTABLES_LEGACY+set}" ]; then
    [ -z "$DOCKER_IPTABLES_LEGACY" ] || export PATH="/usr/local/sbin/.iptables-legacy:$PATH"
  elif ! iptables -nL >/dev/null 2>&1; then
    export PATH="/usr/local/sbin/.iptables-legacy:$PATH"
  fi
  iptables --version
}

if [ "$#" -eq 0 ] || [ "${1#-}" != "$1" ]; then
  socket=unix:///var/run/docker.sock
  case "${DOCKER_HOST:-}" in
    unix://*) socket=$DOCKER_HOST ;;
  esac
  folder=${DOCKER_TLS_CERTDIR:-}
  if [ -n "$folder" ]; then
    generate_certificates "$folder"
  fi
  if [ -n "$folder" ] && [ -s "$folder/server/ca.pem" ] && [ -s "$folder/server/cert.pem" ] && [ -s "$folder/server/key.pem" ]; then
    set -- dockerd --host="$socket" --host=tcp://0.0.0.0:2376 --tlsverify --tlscacert "$folder/server/ca.pem" \
      --tlscert "$folder/server/cert.pem" --tlskey "$folder/server/key.pem" "$@"
  else
    set -- dockerd --host="$socket" --host=tcp://0.0.0.0:2375 "$@"
  fi
fi

if [ "$1" = dockerd ]; then
  # Of a daemon that was killed in this container.
  find /run /var/run -iname 'docker*.pid' -delete || :
  choose_iptables
  set -- dind "$@"
else
  set -- docker-entrypoint.sh "$@"
fi
exec "$@"
