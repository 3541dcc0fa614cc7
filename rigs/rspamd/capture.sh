#!/usr/bin/env bash
# capture.sh OUTDIR: rspamd as milter of the postfix-chain's hub. Two good messages and a spam, then the milter goes down
# and two more must still flow. Logs and the list of what was delivered go to OUTDIR.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?directory}"
out=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/rsrig.XXXXXX")
chmod 755 "$work"
chain="$here/../postfix-chain/rig.sh"
export RIG_NET=127.0.72
milter_net=127.0.71

stop_milter() { RIG_NET=$milter_net "$here/rig.sh" stop "$work/rspamd"; }
trap '"$chain" stop "$work/chain" >/dev/null 2>&1 || true; stop_milter >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

send() { # SENDER SUBJECT MARK TEXT
  swaks --server $RIG_NET.1 --local-interface $RIG_NET.60 --ehlo out1.partner.example.net \
    --from "$1@partner.example.net" --to helpdesk@example.com --header "Subject: $2" --header "X-GT-ID: $3" \
    --header "Message-Id: <$3@partner.example.net>" --body "$4" >/dev/null
}

RIG_NET=$milter_net "$here/rig.sh" start "$work/rspamd"
RIG_MILTERS="inet:$milter_net.1:11332" "$chain" start "$work/chain"
send desk "milter up one" UP1 "first text"
send desk "milter up two" UP2 "second text"
# The test pattern that every spam filter knows as spam (GTUBE).
send x GTUBE SPAM1 "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X" || true
sleep 4
stop_milter
send desk "milter down one" DOWN1 "third text"
send desk "milter down two" DOWN2 "fourth text"
sleep 4

maildir="$work/chain/mbx1/dovecot/home/helpdesk@example.com/Maildir"
grep -rhoE '^X-GT-ID: [A-Z0-9]+' "$maildir" | cut -d' ' -f2 | sort > "$out/delivered.txt"
for host in edge1 hub1; do
  mkdir -p "$out/$host"
  sed "s#$work#/RIG#g" "$work/chain/$host/log/mail.log" | gzip -9n > "$out/$host/mail.log.gz"
done
sed "s#$work#/RIG#g" "$work/rspamd/log/rspamd.log" | gzip -9n > "$out/hub1/rspamd.log.gz"
cat "$out/delivered.txt"
printf 'DOWN1\nDOWN2\nUP1\nUP2\n' | cmp - "$out/delivered.txt"
