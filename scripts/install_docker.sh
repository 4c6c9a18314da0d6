#!/bin/sh
# Puts onto a Debian machine, as root, what the tests with Docker need and it has not; elsewhere they skip, saying so.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
wanted=""
command -v dockerd >/dev/null || wanted="$wanted docker.io"
command -v docker >/dev/null || wanted="$wanted docker-cli"
command -v debootstrap >/dev/null || wanted="$wanted debootstrap"
command -v sshd >/dev/null || wanted="$wanted openssh-server"
command -v ssh >/dev/null || wanted="$wanted openssh-client"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed, and not to be installed here:$wanted; the tests that need it skip, saying so"
  exit 0
fi
apt-get update -qq >/dev/null 2>&1 </dev/null || true
# Before Debian 13 the command line is in docker.io.
for package in $wanted; do
  apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 </dev/null ||
    command -v "${package%-cli}" >/dev/null ||
    echo "$package was not installed: the tests that need it skip, saying so"
done
