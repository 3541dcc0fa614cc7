#!/usr/bin/env bash
# Three real Postfix instances in a chain + Dovecot (SASL, LMTP, Sieve, quota) + dnsmasq + an after-queue filter + outside MXes.
#
#   rig.sh start DIR | stop DIR | status DIR | flush DIR | open-slow DIR | env DIR
#
# Needs root (port 25 on loopback addresses, UTS/mount namespaces).  Everything lives under DIR.
# Environment (remembered in DIR/rig.env):
#   RIG_NET=127.0.10     loopback /24 of this rig; two rigs with different prefixes run side by side
#   RIG_LOG=file         file    = Postfix's own postlogd (maillog_file), one file per instance
#                        rfc3164 = rsyslogd per instance, traditional timestamps
#                        iso     = rsyslogd per instance, RFC3339 timestamps
#   RIG_LONGIDS=no       enable_long_queue_ids
#   RIG_ORG=example.com  RIG_EXT=example.net   own and outside domain (example.* only)
#   RIG_USERS="frontdesk helpdesk ..."         mailbox local parts
#   RIG_MILTERS=         e.g. inet:127.0.10.2:11332 (used by hub's port 25 and 587)
#   RIG_TZ=UTC           time zone of the daemons
#   RIG_HUB_STORE, RIG_HUB_GATEWAY   servers of other rigs in the places of mbx1 and edge1, as hub1 sees them; it calls them from its own address
#   RIG_RECORDS          names of these servers: 'store1.example.com=127.0.41.4 …'; hub1 relays for them
# 'start' runs apart from the caller's pipes: the daemons must not keep `rig.sh start DIR | tail` waiting.
if [ "${1:-}" = start ] && [ -z "${RIG_APART:-}" ]; then
  mkdir -p "${2:?directory}"; code=0; RIG_APART=1 bash "$0" "$@" </dev/null >"$2/start.log" 2>&1 || code=$?; cat "$2/start.log"; exit $code
fi
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
CMD=${1:?start|stop|status|flush|open-slow|env}; D=${2:?directory}
mkdir -p "$D"; D=$(cd "$D" && pwd)
[ -f "$D/rig.env" ] && [ "$CMD" != start ] && . "$D/rig.env"
NET=${RIG_NET:-127.0.10}; LOG=${RIG_LOG:-file}; LONG=${RIG_LONGIDS:-no}
ORG=${RIG_ORG:-example.com}; EXT=${RIG_EXT:-example.net}; MILTERS=${RIG_MILTERS:-}; RTZ=${RIG_TZ:-UTC}
USERS=${RIG_USERS:-frontdesk helpdesk payroll legal sales1 sales2 sales3 ops1 ops2 dev1 dev2 exec1 journal}
SMTPKIT="$HERE/../lib/smtpkit.py"
SP=/usr/lib/postfix/sbin
EDGE=$NET.1 HUB=$NET.2 MBX=$NET.3 DNS=$NET.53

hostns() { # hostns HOST cmd...: runs cmd with HOST's host name, resolver and /dev/log
  local h=$1; shift
  [ -e /dev/log ] || touch /dev/log
  unshare --uts --mount --propagation private bash -c '
    h=$1 d=$2; shift 2; hostname "$h"
    mount --bind "$d/net/resolv.conf" /etc/resolv.conf; mount --bind "$d/net/hosts" /etc/hosts
    mount --bind "$d/net/nsswitch.conf" /etc/nsswitch.conf
    [ -S "$d/$h/dev.log" ] && mount --bind "$d/$h/dev.log" /dev/log
    exec "$@"' _ "$h" "$D" "$@"
}

write_net() {
  mkdir -p "$D/net"
  echo "nameserver $DNS" > "$D/net/resolv.conf"; echo "127.0.0.1 localhost" > "$D/net/hosts"
  sed 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf > "$D/net/nsswitch.conf"
  local rev; rev=$(echo "$NET" | awk -F. '{print $3"."$2"."$1}')
  cat > "$D/net/dnsmasq.conf" <<X
port=53
listen-address=$DNS
bind-interfaces
no-resolv
no-hosts
no-poll
user=root
pid-file=$D/net/dnsmasq.pid
local=/#/
host-record=edge1.$ORG,$EDGE
host-record=hub1.$ORG,$HUB
host-record=mbx1.$ORG,$MBX
mx-host=$ORG,edge1.$ORG,10
host-record=mx.partner.$EXT,$NET.50
mx-host=partner.$EXT,mx.partner.$EXT,10
host-record=mx.grey.$EXT,$NET.51
mx-host=grey.$EXT,mx.grey.$EXT,10
host-record=mx.slow.$EXT,$NET.52
mx-host=slow.$EXT,mx.slow.$EXT,10
host-record=mx.dead.$EXT,$NET.54
mx-host=dead.$EXT,mx.dead.$EXT,10
host-record=mx1.pair.$EXT,$NET.55
host-record=mx2.pair.$EXT,$NET.50
mx-host=pair.$EXT,mx1.pair.$EXT,10
mx-host=pair.$EXT,mx2.pair.$EXT,20
mx-host=spam.$EXT,mx.partner.$EXT,10
host-record=out1.partner.$EXT,$NET.60
host-record=out2.partner.$EXT,$NET.61
host-record=news.$EXT,$NET.62
host-record=pc1.$ORG,$NET.70
host-record=pc2.$ORG,$NET.71
address=/66.$rev.rbl.$EXT/127.0.0.2
txt-record=66.$rev.rbl.$EXT,"listed for the rig"
X
  for record in ${RIG_RECORDS:-}; do echo "host-record=${record%=*},${record#*=}" >> "$D/net/dnsmasq.conf"; done
}

master_base() { cat <<X
pickup    unix  n       -       n       5       1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       10      1       qmgr
tlsmgr    unix  -       -       n       300     1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       300     0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
X
}

main_base() { # HOST IP
  local h=$1 ip=$2
  cat <<X
compatibility_level = 3.6
queue_directory = $D/$h/queue
data_directory = $D/$h/data
command_directory = /usr/sbin
daemon_directory = $SP
mail_owner = postfix
setgid_group = postdrop
syslog_name = postfix
myhostname = $h.$ORG
mydomain = $ORG
myorigin = $ORG
inet_interfaces = $ip
inet_protocols = ipv4
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
biff = no
mynetworks = $EDGE/32 $HUB/32 $MBX/32
enable_long_queue_ids = $LONG
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_cert_file = $D/tls/cert.pem
smtpd_tls_key_file = $D/tls/key.pem
smtpd_helo_required = yes
queue_run_delay = 4s
minimal_backoff_time = 4s
maximal_backoff_time = 12s
maximal_queue_lifetime = 45s
bounce_queue_lifetime = 45s
smtp_connect_timeout = 5s
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
message_size_limit = 1500000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
hopcount_limit = 20
smtp_destination_concurrency_failed_cohort_limit = 100
header_checks = pcre:$D/$h/etc/header_checks
mime_header_checks = pcre:$D/$h/etc/mime_header_checks
X
  if [ "$LOG" = file ]; then echo "maillog_file = $D/$h/log/mail.log"; echo "maillog_file_prefixes = $D"; fi
}

write_instance() { # HOST IP
  local h=$1 ip=$2 e="$D/$1/etc"
  mkdir -p "$e" "$D/$h/queue" "$D/$h/data" "$D/$h/log"; chown postfix "$D/$h/data"
  cp /etc/postfix/dynamicmaps.cf "$e/"; cp -r /etc/postfix/dynamicmaps.cf.d "$e/" 2>/dev/null || true
  cp /etc/postfix/postfix-files "$e/"; cp -r /etc/postfix/postfix-files.d "$e/" 2>/dev/null || true
  main_base "$h" "$ip" > "$e/main.cf"; master_base > "$e/master.cf"
  : > "$e/header_checks"; : > "$e/mime_header_checks"
}

conf_edge() {
  local e="$D/edge1/etc"; write_instance edge1 $EDGE
  cat >> "$e/main.cf" <<X
relay_domains = $ORG legacy.$ORG lists.$ORG loop.$ORG
relay_recipient_maps = texthash:$e/relay_recipients
transport_maps = texthash:$e/transport
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_invalid_helo_hostname, reject_non_fqdn_sender, reject_unknown_sender_domain, check_sender_access texthash:$e/sender_access, reject_rbl_client rbl.$EXT
delay_warning_time = 20s
X
  echo "25 inet n - n - - smtpd" >> "$e/master.cf"
  { for u in $USERS full ooo; do echo "$u@$ORG OK"; done
    for a in sales allhands extgroup fwdout chain1 noc; do echo "$a@$ORG OK"; done
    echo "@legacy.$ORG OK"; echo "@lists.$ORG OK"; echo "@loop.$ORG OK"; } > "$e/relay_recipients"
  { for d in $ORG legacy.$ORG lists.$ORG loop.$ORG; do echo "$d relay:[hub1.$ORG]"; done; } > "$e/transport"
  echo "spam.$EXT REJECT sender domain refused by policy" > "$e/sender_access"
  cat > "$e/header_checks" <<X
/^Subject:.*FORBIDDEN/ REJECT forbidden subject
/^Subject:.*HOLDME/ HOLD held for review
/^Subject:.*EDGE-DISCARD/ DISCARD silently
/^Subject:/ WARN
X
}

conf_hub() {
  local e="$D/hub1/etc"; write_instance hub1 $HUB
  cat >> "$e/main.cf" <<X
relay_domains = $ORG legacy.$ORG loop.$ORG
mydestination = lists.$ORG
alias_maps = hash:$e/aliases
transport_maps = texthash:$e/transport
relayhost = [${RIG_HUB_GATEWAY:-edge1.$ORG}]
mynetworks = $EDGE/32 $HUB/32 $MBX/32$(for record in ${RIG_RECORDS:-}; do printf ' %s/32' "${record#*=}"; done)
$([ -z "${RIG_RECORDS:-}" ] || echo "smtp_bind_address = $HUB")
virtual_alias_maps = texthash:$e/virtual
sender_bcc_maps = texthash:$e/sender_bcc
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:$MBX:12345
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = texthash:$e/logins
smtpd_authorized_xforward_hosts = $HUB
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_milters = $MILTERS
non_smtpd_milters =
milter_default_action = accept
milter_connect_timeout = 3s
X
  cat >> "$e/master.cf" <<X
25 inet n - n - - smtpd
  -o content_filter=scan:[$HUB]:10025
  -o receive_override_options=no_address_mappings
587 inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=reject_sender_login_mismatch,permit_sasl_authenticated,reject
  -o content_filter=scan:[$HUB]:10025
  -o receive_override_options=no_address_mappings
10026 inet n - n - - smtpd
  -o syslog_name=postfix/reinject
  -o content_filter=
  -o smtpd_milters=
  -o smtpd_tls_security_level=none
  -o receive_override_options=no_header_body_checks
scan unix - - n - 10 smtp
  -o smtp_send_xforward_command=yes
  -o disable_mime_output_conversion=yes
  -o smtp_tls_security_level=none
X
  sed -i "s/^pickup .*/&\n  -o content_filter=scan:[$HUB]:10025\n  -o receive_override_options=no_address_mappings/" "$e/master.cf"
  { echo "$ORG relay:[${RIG_HUB_STORE:-mbx1.$ORG}]"; echo "legacy.$ORG relay:[mbx1.$ORG]"; echo "loop.$ORG relay:[edge1.$ORG]"; } > "$e/transport"
  { echo "sales@$ORG sales1@$ORG,sales2@$ORG,sales3@$ORG"
    echo "allhands@$ORG $(for u in $USERS; do [ $u = journal ] || printf '%s@%s,' $u $ORG; done | sed 's/,$//')"
    echo "extgroup@$ORG ops1@$ORG,contact@partner.$EXT"
    echo "fwdout@$ORG contact2@partner.$EXT"
    echo "chain1@$ORG chain2@$ORG"; echo "chain2@$ORG dev1@$ORG"
    echo "noc@$ORG ops1@$ORG,ops2@$ORG"; } > "$e/virtual"
  echo "legal@$ORG journal@$ORG" > "$e/sender_bcc"
  { for u in $USERS full ooo; do echo "$u@$ORG $u@$ORG"; done; } > "$e/logins"
  { echo "staff: :include:$e/staff.list"; echo "owner-staff: helpdesk@$ORG"
    echo "ping: pong@legacy.$ORG"; echo "postmaster: ops1@$ORG"
    echo "archive: \"|/bin/cat >> $D/hub1/out/archive.txt\""; echo "tofile: $D/hub1/out/tofile.mbox"; } > "$e/aliases"
  mkdir -p "$D/hub1/out"; chown nobody "$D/hub1/out"
  { echo "dev1@$ORG"; echo "dev2@$ORG"; echo "ops2@$ORG"; echo "contact3@partner.$EXT"; } > "$e/staff.list"
  cat > "$e/header_checks" <<X
/^Subject:/ WARN
X
  echo '/^Content-(Type|Disposition):.*name\*?[0-9*]*=/ WARN' > "$e/mime_header_checks"
}

conf_mbx() {
  local e="$D/mbx1/etc"; write_instance mbx1 $MBX
  cat >> "$e/main.cf" <<X
virtual_mailbox_domains = $ORG legacy.$ORG
virtual_mailbox_maps = texthash:$e/mailboxes
virtual_alias_maps = texthash:$e/virtual
virtual_transport = lmtp:inet:$MBX:24
lmtp_tls_security_level = none
relayhost = [hub1.$ORG]
X
  echo "25 inet n - n - - smtpd" >> "$e/master.cf"
  { for u in $USERS full ooo; do echo "$u@$ORG x"; done; } > "$e/mailboxes"
  { echo "oldsales@legacy.$ORG sales1@$ORG"; echo "pong@legacy.$ORG ping@lists.$ORG"; } > "$e/virtual"
}

conf_dovecot() {
  local v="$D/mbx1/dovecot"; mkdir -p "$v/run" "$v/home"; chown mail:mail "$v/home"
  { for u in $USERS ooo; do echo "$u@$ORG:{PLAIN}rig-$u::::::"; done
    echo "full@$ORG:{PLAIN}rig-full::::::userdb_quota_rule=*:storage=4K"; } > "$v/users"
  local logto; if [ "$LOG" = file ]; then logto="log_path = $D/mbx1/log/dovecot.log"; else logto="syslog_facility = mail"; fi
  cat > "$v/dovecot.conf" <<X
base_dir = $v/run
state_dir = $v/run
$logto
protocols = imap lmtp
listen = $MBX
ssl = yes
ssl_cert = <$D/tls/cert.pem
ssl_key = <$D/tls/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
mail_home = $v/home/%Lu
mail_location = maildir:~/Maildir
mail_plugins = quota
lda_mailbox_autocreate = yes
recipient_delimiter = +
submission_host = $HUB:25
postmaster_address = postmaster@lists.$ORG
hostname = mbx1.$ORG
passdb {
  driver = passwd-file
  args = $v/users
}
userdb {
  driver = passwd-file
  args = $v/users
}
namespace inbox {
  inbox = yes
}
service imap-login {
  inet_listener imap {
    port = 143
  }
  inet_listener imaps {
    port = 993
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = $MBX
    port = 24
  }
}
service auth {
  inet_listener postfix {
    address = $MBX
    port = 12345
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
protocol lmtp {
  mail_plugins = \$mail_plugins sieve
}
protocol imap {
  mail_plugins = \$mail_plugins imap_quota
}
plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_extensions = +vacation-seconds
  sieve_vacation_min_period = 0
  quota = maildir:User quota
  quota_rule = *:storage=100M
}
X
  mkdir -p "$v/home/ooo@$ORG" "$v/home/ops2@$ORG"
  cat > "$v/home/ooo@$ORG/.dovecot.sieve" <<X
require ["vacation-seconds", "vacation"];
vacation :seconds 0 :subject "Out of office" :addresses ["ooo@$ORG"] "I am away. This is an automatic reply.";
X
  cat > "$v/home/ops2@$ORG/.dovecot.sieve" <<X
require ["fileinto", "mailbox", "reject", "copy"];
if header :contains "Subject" "TO-FOLDER" { fileinto :create "Alerts"; }
elsif header :contains "Subject" "SIEVE-REJECT" { reject "not wanted"; }
elsif header :contains "Subject" "SIEVE-DROP" { discard; }
elsif header :contains "Subject" "SIEVE-REDIRECT" { redirect "dev2@$ORG"; }
X
  chown -R mail:mail "$v/home"
}

dedupe() { # last setting of a parameter wins (Postfix would warn about each double)
  awk -F' *= *' '{k[NR]=$1; l[NR]=$0; last[$1]=NR} END{for(i=1;i<=NR;i++) if(last[k[i]]==i) print l[i]}' "$1" > "$1.new" && mv "$1.new" "$1"
}

conf_rsyslog() { # HOST
  local h=$1; local tpl
  [ "$LOG" = rfc3164 ] && tpl=RSYSLOG_TraditionalFileFormat || tpl=RSYSLOG_FileFormat
  cat > "$D/$h/rsyslog.conf" <<X
global(workDirectory="$D/$h")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$D/$h/dev.log" CreatePath="off" RateLimit.Interval="0")
mail.* action(type="omfile" file="$D/$h/log/mail.log" template="$tpl")
X
}

wait_port() { # ADDR PORT
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return 0; sleep 0.1; done
  echo "rig: no answer on $1:$2" >&2; return 1
}

start() {
  export TZ=$RTZ
  if (exec 3<>"/dev/tcp/$EDGE/25") 2>/dev/null; then echo "rig: something already answers on $EDGE:25" >&2; exit 1; fi
  chmod 755 "$D"; write_net; mkdir -p "$D/tls" "$D/out"
  cat > "$D/rig.env" <<X
RIG_NET='$NET' RIG_LOG='$LOG' RIG_LONGIDS='$LONG' RIG_ORG='$ORG' RIG_EXT='$EXT' RIG_USERS='$USERS' RIG_MILTERS='$MILTERS' RIG_TZ='$RTZ'
X
  [ -f "$D/tls/key.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=mail.$ORG" \
     -keyout "$D/tls/key.pem" -out "$D/tls/cert.pem" 2>/dev/null
  chmod 600 "$D/tls/key.pem"
  dnsmasq --conf-file="$D/net/dnsmasq.conf"
  for a in $EDGE $HUB $MBX; do ip addr add $a/32 dev lo 2>/dev/null || true; done # inet_interfaces wants real interface addresses
  conf_edge; conf_hub; conf_mbx; conf_dovecot
  for h in edge1 hub1 mbx1; do dedupe "$D/$h/etc/main.cf"; done
  postalias -c "$D/hub1/etc" "hash:$D/hub1/etc/aliases"
  python3 "$SMTPKIT" sink --listen $NET.50:25 --log "$D/out/sink.jsonl" --hostname mx.partner.$EXT --tls-cert "$D/tls/cert.pem" --tls-key "$D/tls/key.pem" --pidfile "$D/out/sink.pid" </dev/null >/dev/null 2>"$D/out/sink.err" &
  python3 "$SMTPKIT" sink --listen $NET.51:25 --mode grey --log "$D/out/sink.jsonl" --hostname mx.grey.$EXT --pidfile "$D/out/grey.pid" </dev/null >/dev/null 2>>"$D/out/sink.err" &
  python3 "$SMTPKIT" filter --listen $HUB:10025 --next $HUB:10026 --log "$D/out/filter.jsonl" --hostname filter1.$ORG --pidfile "$D/out/filter.pid" </dev/null >/dev/null 2>"$D/out/filter.err" &
  for h in edge1 hub1 mbx1; do
    if [ "$LOG" != file ]; then conf_rsyslog $h; hostns $h rsyslogd -f "$D/$h/rsyslog.conf" -i "$D/$h/rsyslogd.pid"
      for _ in $(seq 50); do [ -S "$D/$h/dev.log" ] && break; sleep 0.1; done; fi
    [ $h = mbx1 ] && hostns $h dovecot -c "$D/mbx1/dovecot/dovecot.conf"
    hostns $h postfix -c "$D/$h/etc" start >/dev/null 2>&1
  done
  for a in "$NET.50 25" "$NET.51 25" "$HUB 10025" "$EDGE 25" "$HUB 25" "$HUB 587" "$HUB 10026" "$MBX 25" "$MBX 24" "$MBX 143" "$MBX 12345"; do wait_port $a; done
  echo "rig: ready ($D, $NET.0/24, log=$LOG, long ids=$LONG)"
}

open_slow() { # the closed port opens: deferred mail to slow.EXT goes through at the next retry
  python3 "$SMTPKIT" sink --listen $NET.52:25 --log "$D/out/sink.jsonl" --hostname mx.slow.$EXT --pidfile "$D/out/slow.pid" </dev/null >/dev/null 2>>"$D/out/sink.err" &
}

killpid() { # pidfile
  [ -s "$1" ] || return 0
  local p; p=$(tr -d ' \n' < "$1"); kill "$p" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done; rm -f "$1"
}

stop() {
  for h in edge1 hub1 mbx1; do
    [ -d "$D/$h/etc" ] && hostns $h postfix -c "$D/$h/etc" stop >/dev/null 2>&1 || true
  done
  [ -f "$D/mbx1/dovecot/run/master.pid" ] && doveadm -c "$D/mbx1/dovecot/dovecot.conf" stop 2>/dev/null || true
  for f in "$D"/out/*.pid "$D/net/dnsmasq.pid" "$D"/*/rsyslogd.pid; do killpid "$f"; done
  for a in $EDGE $HUB $MBX; do ip addr del $a/32 dev lo 2>/dev/null || true; done
  [ -f /dev/log ] && [ ! -s /dev/log ] && rm -f /dev/log || true
  echo "rig: stopped"
}

case $CMD in
  start) start ;;
  stop) stop ;;
  open-slow) open_slow ;;
  flush) for h in edge1 hub1 mbx1; do postqueue -c "$D/$h/etc" -f; done ;;
  status) for h in edge1 hub1 mbx1; do echo "$h: $(hostns $h postfix -c "$D/$h/etc" status 2>&1 | tail -1) queue=$(postqueue -c "$D/$h/etc" -j | wc -l)"; done ;;
  env) cat "$D/rig.env" ;;
  *) echo "unknown command $CMD" >&2; exit 2 ;;
esac
