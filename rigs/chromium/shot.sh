#!/bin/sh
# shot.sh URL_OR_FILE OUT.png [WIDTHxHEIGHT]: a screenshot by headless Chromium, as root too.
set -eu

page=$1 out=$2 size=${3:-1280x800}
if [ -f "$page" ]; then page="file://$(realpath "$page")"; fi
profile=$(mktemp -d "${TMPDIR:-/tmp}/shot.XXXXXX")
trap 'rm -rf "$profile"' EXIT
timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
  --disable-background-networking --user-data-dir="$profile" --hide-scrollbars \
  --window-size="${size%x*},${size#*x}" --screenshot="$out" "$page" >/dev/null 2>&1
[ -s "$out" ]
