#!/usr/bin/env bash
# capture.sh OUTDIR after|before: one Postfix with Amavis behind or before its queue, OpenDKIM, OpenDMARC, Postgrey and
# policyd-spf; its traffic, and then log and truth in OUTDIR. All of it in namespaces of its own, which take every daemon with them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?directory}"
out=$(cd "$1" && pwd)
mode=${2:?after or before}
if [ "${RIG_INSIDE:-}" != yes ]; then
  [ -e /dev/log ] || touch /dev/log
  work=$(mktemp -d "${TMPDIR:-/tmp}/flrig.XXXXXX")
  trap 'rm -rf "$work"; [ -f /dev/log ] && [ ! -s /dev/log ] && rm -f /dev/log || true' EXIT
  RIG_INSIDE=yes RIG_WORK=$work unshare --net --uts --mount --pid --fork --mount-proc --propagation private bash "$0" "$out" "$mode"
  exit
fi

work=$RIG_WORK
chmod 755 "$work"
. "$here/daemons.sh"
network
logging
signing_keys
for daemon in opendkim opendmarc postgrey amavis postfix; do "start_$daemon"; done
code=0
python3 "$here/driver.py" "$work" "$out" "$mode" || code=$?
sleep 1
mkdir -p "$out/mx1"
sed "s#$work#/RIG#g" "$work/log/mail.log" | gzip -9n > "$out/mx1/mail.log.gz"
sed "s#$work#/RIG#g" "$out/ground-truth.json" | gzip -9n > "$out/ground-truth.json.gz"
rm "$out/ground-truth.json"
exit $code
