#!/bin/sh
# unpack.sh DIR PACKAGE...: unpacks Debian packages under DIR/tree without installing them, as some conflict with others.
# Does nothing when they are there.
set -eu

dir=${1:?directory}
shift
[ ! -e "$dir/tree/.whole" ] || exit 0
rm -rf "$dir"
mkdir -p "$dir/deb" "$dir/tree"
cd "$dir/deb"
get() { apt-get -qq -o DPkg::Lock::Timeout=600 download "$@" >/dev/null 2>&1; }
get "$@" || { apt-get -qq -o DPkg::Lock::Timeout=600 update && get "$@"; }
for package in *.deb; do dpkg -x "$package" "$dir/tree"; done
: > "$dir/tree/.whole"
