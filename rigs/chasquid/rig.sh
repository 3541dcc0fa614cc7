#!/usr/bin/env bash
# rig.sh DIR TREE COMMAND…: chasquid, a name server, outside servers and rsyslog in a network of their own, around COMMAND. Needs root.
# Everything lives and dies with the namespaces: nothing to stop, no port of the machine taken.
set -euo pipefail

if [ -z "${RIG_APART:-}" ]; then
  RIG_APART=1 exec unshare --net --mount --uts --pid --fork --kill-child --mount-proc --propagation private bash "$0" "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?directory} tree=${2:?where install.sh unpacked}
shift 2
hostname chasquid1
ip link set lo up

mkdir -p "$dir"/{dev,log,mail,data} "$dir"/conf/{domains/example.com,certs/chasquid1.example.com}
cat > "$dir/dnsmasq.conf" <<X2
port=53
listen-address=127.0.0.53
bind-interfaces
no-resolv
no-hosts
user=root
local=/#/
host-record=chasquid1.example.com,127.0.0.4
mx-host=example.com,chasquid1.example.com,10
mx-host=partner.example.net,mx.partner.example.net,10
host-record=mx.partner.example.net,127.0.0.50
mx-host=grey.example.net,mx.grey.example.net,10
host-record=mx.grey.example.net,127.0.0.51
mx-host=dead.example.net,mx.dead.example.net,10
host-record=mx.dead.example.net,127.0.0.54
txt-record=forged.example.net,"v=spf1 -all"
X2
dnsmasq --keep-in-foreground --conf-file="$dir/dnsmasq.conf" 2>"$dir/dnsmasq.err" &
echo "nameserver 127.0.0.53" > "$dir/resolv.conf"
mount --bind "$dir/resolv.conf" /etc/resolv.conf

# A /dev of its own, for its log socket.
cat > "$dir/rsyslog.conf" <<X2
global(workDirectory="$dir")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$dir/dev.log" CreatePath="off" RateLimit.Interval="0")
*.* action(type="omfile" file="$dir/log/mail.log" template="${RIG_SYSLOG_TEMPLATE:-RSYSLOG_FileFormat}")
X2
rsyslogd -n -f "$dir/rsyslog.conf" -i "$dir/rsyslogd.pid" 2>"$dir/rsyslog.err" &
for _ in $(seq 50); do [ -S "$dir/dev.log" ] && break; sleep 0.1; done
mount -t tmpfs rig "$dir/dev"
for name in null zero full random urandom tty; do touch "$dir/dev/$name"; mount --bind "/dev/$name" "$dir/dev/$name"; done
touch "$dir/dev/log"
mount --bind "$dir/dev.log" "$dir/dev/log"
mount --rbind "$dir/dev" /dev

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=chasquid1.example.com -addext subjectAltName=DNS:chasquid1.example.com \
  -keyout "$dir/conf/certs/chasquid1.example.com/privkey.pem" -out "$dir/conf/certs/chasquid1.example.com/fullchain.pem" 2>/dev/null
# A mailbox that is full for a while, and one that is broken for good; sysexits(3). It takes its time, so that the driver sees the queue.
cat > "$dir/store" <<X2
#!/bin/sh
sleep 0.2
case \$1 in full) exit 75 ;; broken) echo "mailbox is broken"; exit 1 ;; esac
mkdir -p "$dir/mail/\$1"
cat > "$dir/mail/\$1/\$\$"
X2
chmod 755 "$dir/store"
cat > "$dir/conf/chasquid.conf" <<X2
hostname: "chasquid1.example.com"
smtp_address: "127.0.0.4:25"
submission_address: "127.0.0.4:587"
mail_delivery_agent_bin: "$dir/store"
mail_delivery_agent_args: "%to_user%"
data_dir: "$dir/data"
max_data_size_mb: 1
X2
cat > "$dir/conf/domains/example.com/aliases" <<X2
sales: sales1, sales2
abroad: ops1, contact@partner.example.net
robot: | /bin/sleep 0.2
X2
util="$tree/usr/bin/chasquid-util"
for user in sales1 sales2 ops1 dev1 full broken; do "$util" -C="$dir/conf" user-add "$user@example.com" --password=secret >/dev/null; done

kit="$here/../lib/smtpkit.py"
python3 "$kit" sink --listen 127.0.0.50:25 --log "$dir/sink.jsonl" --hostname mx.partner.example.net &
python3 "$kit" sink --listen 127.0.0.51:25 --log "$dir/sink.jsonl" --hostname mx.grey.example.net --mode grey &
"$tree/usr/bin/chasquid" -config_dir "$dir/conf" 2>"$dir/chasquid.err" &
for port in 25 587; do
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.4/$port") 2>/dev/null && break; sleep 0.1; done
done
"$@"
