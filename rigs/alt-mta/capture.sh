#!/usr/bin/env bash
# capture.sh OUTDIR RUN KIND ALT [driver options]: a fresh rig, its traffic, and then logs, truth and configuration in OUTDIR/RUN.
# The RIG_* environment is that of rig.sh. The rig's own directory is below $TMPDIR and goes away; in what is kept its path reads
# /RIG, and that of the unpacked programs /ALT.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?directory} run=${2:?name of the run} kind=${3:?exim, opensmtpd or sendmail} alt=${4:?where install.sh unpacked}
shift 4
kept="$out/$run"
rig=$(mktemp -d "${TMPDIR:-/tmp}/altrig.XXXXXX")
trap '"$here/rig.sh" stop "$rig" >/dev/null 2>&1 || true; rm -rf "$rig"' EXIT

mkdir -p "$kept/${kind}1"
"$here/rig.sh" start "$rig" "$kind" "$alt"
code=0
python3 "$here/driver.py" "$rig" "$kept" --run "$run" "$@" || code=$?
"$here/rig.sh" stop "$rig"

neutral() { sed "s#$rig#/RIG#g; s#$alt#/ALT#g; s#cwd=[^ ]*#cwd=/RIG#g" "$1"; }
for log in "$rig"/log/*; do
  [ ! -s "$log" ] || neutral "$log" | gzip -9n > "$kept/${kind}1/$(basename "$log").gz"
done
for file in exim.conf smtpd.conf sendmail.mc aliases virtual; do
  [ ! -f "$rig/$file" ] || neutral "$rig/$file" > "$kept/$file"
done
neutral "$kept/ground-truth.json" | gzip -9n > "$kept/ground-truth.json.gz"
rm "$kept/ground-truth.json"
exit "$code"
