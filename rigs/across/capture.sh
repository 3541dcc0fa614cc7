#!/usr/bin/env bash
# capture.sh OUTDIR RUN ALT [driver options]: a fresh rig, its traffic, and then logs, truth and configuration in OUTDIR/RUN.
# The RIG_* environment is that of rig.sh. The rig's own directory is below $TMPDIR and goes away; in what is kept its path
# reads /RIG, and that of the unpacked programs /ALT. With RIG_COLLECTOR, hub1 also has what its milter told.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?directory} run=${2:?name of the run} alt=$(cd "${3:?where rigs/alt-mta/install.sh unpacked}" && pwd)
shift 3
kept="$out/$run"
rig=$(mktemp -d "${TMPDIR:-/tmp}/xrig.XXXXXX")
chmod 755 "$rig"
trap '"$here/rig.sh" stop "$rig" >/dev/null 2>&1 || true; rm -rf "$rig"' EXIT

mkdir -p "$kept"/{exim1,hub1,sendmail1}
"$here/rig.sh" start "$rig" "$alt"
code=0
python3 "$here/driver.py" "$rig" "$kept" --run "$run" "$@" || code=$?
"$here/rig.sh" stop "$rig"

neutral() { sed "s#$rig#/RIG#g; s#$alt#/ALT#g; s#cwd=[^ ]*#cwd=/RIG#g" "$@"; }
keep() { # HOST LOG...
  local host=$1 log
  shift
  for log in "$@"; do
    [ ! -s "$log" ] || neutral "$log" | gzip -9n > "$kept/$host/$(basename "$log").gz"
  done
}
keep exim1 "$rig"/exim1/log/*
keep hub1 "$rig"/hub/hub1/log/*
keep sendmail1 "$rig"/sendmail1/log/*
if [ -d "$rig/milter/state" ]; then
  neutral "$rig"/milter/state/spool-milter/*.lines | gzip -9n > "$kept/hub1/milter.log.gz"
fi
neutral "$kept/ground-truth.json" | gzip -9n > "$kept/ground-truth.json.gz"
rm "$kept/ground-truth.json"
exit "$code"
