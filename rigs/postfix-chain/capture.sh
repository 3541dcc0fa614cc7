#!/usr/bin/env bash
# capture.sh OUTDIR RUN [driver options]: a fresh rig, its traffic, and then logs and truth in OUTDIR/RUN.
# The RIG_* environment is that of rig.sh. The rig's own directory is below $TMPDIR and goes away; in what is kept its
# path reads /RIG.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?directory} run=${2:?name of the run}
shift 2
kept="$out/$run"
rig=$(mktemp -d "${TMPDIR:-/tmp}/pfrig.XXXXXX")
trap '"$here/rig.sh" stop "$rig" >/dev/null 2>&1 || true; rm -rf "$rig"' EXIT

mkdir -p "$kept"
"$here/rig.sh" start "$rig"
code=0
python3 "$here/driver.py" "$rig" "$kept" --run "$run" "$@" || code=$?
"$here/rig.sh" stop "$rig"

sed "s#$rig#/RIG#g" "$kept/ground-truth.json" | gzip -9n > "$kept/ground-truth.json.gz"
rm "$kept/ground-truth.json"
for host in edge1 hub1 mbx1; do
  mkdir -p "$kept/$host"
  for log in "$rig/$host"/log/*; do
    sed "s#$rig#/RIG#g" "$log" | gzip -9n > "$kept/$host/$(basename "$log").gz"
  done
done
exit "$code"
