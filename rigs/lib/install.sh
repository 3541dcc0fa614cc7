#!/bin/sh
# install.sh PACKAGE...: installs the Debian packages that are missing, without recommended ones and without starting any
# service. Does nothing, and needs no root, when all are there.
set -eu

missing=
for package in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = 'install ok installed' ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "install: these packages are missing, and only root can install them:$missing" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of names
packages() { apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing; }
packages >/dev/null 2>&1 || { apt-get -qq -o DPkg::Lock::Timeout=600 update && packages >/dev/null; }
