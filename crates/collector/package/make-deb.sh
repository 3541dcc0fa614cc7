#!/bin/sh
# make-deb.sh BINARY FOLDER: makes a Debian package of the built collector in the folder, with dpkg-deb alone, and prints its path.
#
# Build the binary first: cargo build --profile collector -p vigie-collector (with --target x86_64-unknown-linux-musl it needs no library of
# the machine that it will run on).
set -eu
[ $# -eq 2 ] || { echo "usage: $0 BINARY FOLDER" >&2; exit 2; }
binary=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
version=$("$binary" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
install -D -m 755 "$binary" "$tree/usr/bin/vigie-collector"
install -D -m 644 "$here/vigie-collector.service" "$tree/lib/systemd/system/vigie-collector.service"
install -d -m 755 "$tree/etc/vigie-collector" "$tree/DEBIAN"
for script in postinst prerm postrm; do
  install -m 755 "$here/$script" "$tree/DEBIAN/$script"
done
if objdump -p "$binary" | grep -q NEEDED; then
  # Rust's standard library needs glibc 2.17; what else the binary was linked with here, it needs there.
  glibc=$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1)
  depends="libc6 (>= ${glibc:-2.36}), adduser"
else
  depends=adduser
fi
cat >"$tree/DEBIAN/control" <<CONTROL
Package: vigie-collector
Version: $version
Architecture: $architecture
Maintainer: The Vigie maintainers <maintainers@vigie.invalid>
Depends: $depends
Recommends: ca-certificates
Section: mail
Priority: optional
Installed-Size: $(du -ks "$tree/usr" "$tree/lib" | awk '{ sum += $1 } END { print sum }')
Description: ships the logs of a mail server to Vigie
 Follows the logs of this machine's mail server through every rotation and
 ships each line exactly once, over TLS, to a Vigie server.
CONTROL
mkdir -p "$out"
package=$out/vigie-collector_${version}_$architecture.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >/dev/null
echo "$package"
