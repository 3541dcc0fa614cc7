#!/usr/bin/env bash
# rspamd 3.4 as a milter, without the internet and without Redis.
#
#   rig.sh start DIR | stop DIR
#
# RIG_NET=127.0.70   milter (proxy that scans itself) on NET.1:11332, scanner NET.1:11333, controller NET.1:11334
set -euo pipefail

command=${1:?start or stop} dir=${2:?directory}
# The daemons must not keep `rig.sh start DIR | tail` waiting, so 'start' runs apart from the caller's pipes.
if [ "$command" = start ] && [ -z "${RIG_APART:-}" ]; then
  mkdir -p "$dir"
  code=0
  RIG_APART=1 bash "$0" "$@" </dev/null >"$dir/start.log" 2>&1 || code=$?
  cat "$dir/start.log"
  exit $code
fi
dir=$(cd "$dir" && pwd)
net=${RIG_NET:-127.0.70}

# Modules that need DNS, Redis or the internet, or would change mail.
off='asn rbl surbl fuzzy_check dkim dkim_signing arc spf dmarc phishing antivirus neural greylist ratelimit replies
  history_redis bayes_expiry clickhouse elastic mx_check url_redirector reputation external_services p0f maps_stats
  metadata_exporter'

write_configuration() {
  mkdir -p "$dir/etc" "$dir/db" "$dir/run" "$dir/log"
  cp -r /etc/rspamd/. "$dir/etc/"
  local local_d="$dir/etc/local.d"
  mkdir -p "$local_d" "$dir/etc/override.d"
  printf 'type = "file";\nfilename = "%s/log/rspamd.log";\nlevel = "info";\n' "$dir" > "$local_d/logging.inc"
  cat > "$local_d/options.inc" <<X
pidfile = "$dir/run/rspamd.pid";
tempdir = "/tmp";
dns { nameserver = ["$net.53:53:1"]; timeout = 0.2s; retransmits = 1; }
X
  cat > "$local_d/worker-proxy.inc" <<X
bind_socket = "$net.1:11332";
milter = yes;
timeout = 20s;
upstream "local" { default = yes; self_scan = yes; }
X
  printf 'bind_socket = "%s.1:11333";\n' "$net" > "$local_d/worker-normal.inc"
  cat > "$local_d/worker-controller.inc" <<X
bind_socket = "$net.1:11334";
secure_ip = "127.0.0.0/8";
password = "rig";
X
  echo 'enabled = false;' > "$local_d/worker-fuzzy.inc"
  local module
  for module in $off; do echo 'enabled = false;' > "$local_d/$module.conf"; done
  printf 'enabled = true;\nuse = ["x-spamd-bar", "authentication-results"];\n' > "$local_d/milter_headers.conf"
  cat > "$dir/etc/override.d/classifier-bayes.conf" <<X
classifier "bayes" {
  tokenizer { name = "osb"; }
  backend = "sqlite3";
  min_learns = 2000;
  statfile { symbol = "BAYES_HAM"; spam = false; path = "$dir/db/ham.sqlite"; }
  statfile { symbol = "BAYES_SPAM"; spam = true; path = "$dir/db/spam.sqlite"; }
}
X
}

answers() { (exec 3<>"/dev/tcp/$net.1/11332") 2>/dev/null; }

start() {
  chmod 755 "$dir"
  write_configuration
  chown -R _rspamd "$dir/db" "$dir/run" "$dir/log"
  rspamd -u _rspamd -g _rspamd -c "$dir/etc/rspamd.conf" --var=CONFDIR="$dir/etc" --var=LOCAL_CONFDIR="$dir/etc" \
    --var=DBDIR="$dir/db" --var=RUNDIR="$dir/run" --var=LOGDIR="$dir/log" > "$dir/log/start.txt" 2>&1
  for _ in $(seq 200); do
    if answers; then echo "rig: ready (milter inet:$net.1:11332)"; return; fi
    sleep 0.1
  done
  echo "rig: rspamd does not answer on $net.1:11332" >&2
  return 1
}

stop() {
  local pid
  pid=$(cat "$dir/run/rspamd.pid" 2>/dev/null || true)
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  echo "rig: stopped"
}

case $command in
  start) start ;;
  stop) stop ;;
  *) echo "rig: unknown command $command" >&2; exit 2 ;;
esac
