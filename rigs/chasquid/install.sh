#!/bin/sh
# install.sh DIR: what the rig needs, and chasquid itself, only unpacked, under DIR/tree. Needs root.
set -eu

top=${1:?directory}
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/../lib/install.sh" dnsmasq-base rsyslog openssl util-linux iproute2 procps python3
mkdir -p "$top/deb" "$top/tree"
cd "$top/deb"
apt-get -o DPkg::Lock::Timeout=600 download chasquid
for package in chasquid_*.deb; do dpkg -x "$package" "$top/tree"; done
