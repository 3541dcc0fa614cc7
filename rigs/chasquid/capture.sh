#!/usr/bin/env bash
# capture.sh OUTDIR RUN TREE: a fresh rig, its traffic, and then log and truth in OUTDIR/RUN. Three minutes, since chasquid tries again after one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kept=${1:?directory}/${2:?name of the run} tree=${3:?where install.sh unpacked}
rig=$(mktemp -d "${TMPDIR:-/tmp}/chasquidrig.XXXXXX")
trap 'rm -rf "$rig"' EXIT
chmod 755 "$rig"

mkdir -p "$kept/chasquid1"
"$here/rig.sh" "$rig" "$tree" python3 "$here/driver.py" "$rig" "$2"
sed "s#$rig#/RIG#g" "$rig/log/mail.log" | gzip -9n > "$kept/chasquid1/mail.log.gz"
sed "s#$rig#/RIG#g" "$rig/ground-truth.json" | gzip -9n > "$kept/ground-truth.json.gz"
