#!/usr/bin/env bash
# Three kinds of servers in a chain: Exim as gateway and Sendmail as store (rigs/alt-mta), and between them the hub of
# rigs/postfix-chain with its after-queue filter.
#   rig.sh start DIR ALT | queues DIR | stop DIR
# ALT is where rigs/alt-mta/install.sh unpacked. Needs root. Environment:
#   RIG_NETS='127.0.46 127.0.47 127.0.48'   loopback /24 of gateway, hub and store
#   RIG_COLLECTOR=                          vigie-collector: its milter is told of all mail at the hub
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
chain="$here/../postfix-chain/rig.sh" alt="$here/../alt-mta/rig.sh"
command=${1:?start, queues or stop} dir=${2:?directory}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
exim="$dir/exim1" hub="$dir/hub" sendmail="$dir/sendmail1"

# The milter calls its host as the hub calls itself; nobody listens where it would ship its lines, which stay in its spool.
start_milter() { # ADDRESS
  mkdir -p "$dir/milter"
  "$RIG_COLLECTOR" enrol 127.0.0.1:9 "vigie1.$(head -c 64 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d =)" --name hub1 \
    --config "$dir/milter/collector.conf" --state "$dir/milter/state" > "$dir/milter/said"
  echo "milter = inet:$1" >> "$dir/milter/collector.conf"
  # shellcheck disable=SC2016 # for the shell inside
  unshare --uts sh -c 'hostname hub1; echo $$ > "$0/pid"; exec "$@"' "$dir/milter" \
    "$RIG_COLLECTOR" milter --config "$dir/milter/collector.conf" </dev/null >> "$dir/milter/said" 2>&1 &
}

start() { # ALT
  local gateway_net hub_net store_net
  read -r gateway_net hub_net store_net <<< "${RIG_NETS:-127.0.46 127.0.47 127.0.48}"
  export RIG_ORG=${RIG_ORG:-example.com} RIG_EXT=${RIG_EXT:-example.net}
  export RIG_USERS='frontdesk helpdesk payroll sales1 sales2 sales3 ops1 ops2 dev1 dev2'
  export RIG_RECORDS="exim1.$RIG_ORG=$gateway_net.4 sendmail1.$RIG_ORG=$store_net.4"
  if [ -n "${RIG_COLLECTOR:-}" ]; then
    start_milter "$hub_net.2:8893"
    export RIG_MILTERS="inet:$hub_net.2:8893"
  fi
  RIG_NET=$hub_net RIG_HUB_GATEWAY="exim1.$RIG_ORG" RIG_HUB_STORE="sendmail1.$RIG_ORG" "$chain" start "$hub"
  export RIG_RECORDS="$RIG_RECORDS hub1.$RIG_ORG=$hub_net.2"
  RIG_NET=$gateway_net RIG_EXIM_HUB="hub1.$RIG_ORG" "$alt" start "$exim" exim "$1"
  RIG_NET=$store_net RIG_SENDMAIL_HUB="hub1.$RIG_ORG" RIG_SENDMAIL_LOCAL=yes RIG_SYSLOG_TEMPLATE=${RIG_SYSLOG_TEMPLATE:-RSYSLOG_FileFormat} \
    "$alt" start "$sendmail" sendmail "$1"
}

stop() {
  "$alt" stop "$exim" || true
  "$alt" stop "$sendmail" || true
  "$chain" stop "$hub" || true
  [ ! -s "$dir/milter/pid" ] || kill "$(cat "$dir/milter/pid")" 2>/dev/null || true
}

case $command in
  start) start "$(cd "${3:?where rigs/alt-mta/install.sh unpacked}" && pwd)" ;;
  queues)
    "$alt" queue "$exim"
    postqueue -c "$hub/hub1/etc" -p
    "$alt" queue "$sendmail"
    ;;
  stop) stop ;;
  *) echo "rig: start, queues or stop, not $command" >&2; exit 2 ;;
esac
