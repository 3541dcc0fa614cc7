#!/usr/bin/env bash
# One MTA (exim | opensmtpd | sendmail) with dnsmasq and outside MXes, from unpacked packages (install.sh ALT).
#   rig.sh start DIR KIND ALT | open-slow DIR | kick DIR | queue DIR | by-hand DIR -Mrm|-Mf|-Mt ID | submit DIR SENDER RECIPIENT… | stop DIR
# Needs root.  Environment:
#   RIG_NET=127.0.40      loopback /24 of this rig: MTA on .4:25, clients from .60-.79, outside servers .50-.55
#   RIG_ORG, RIG_EXT      own and outside domain
#   RIG_EXIM_LOG          Exim's log_selector, such as +all
#   RIG_EXIM_SYSLOG=no    yes: through rsyslog instead of mainlog and rejectlog; once: with syslog_duplication = false
#   RIG_SYSLOG_TEMPLATE   rsyslog's; RSYSLOG_FileFormat has RFC 3339 stamps
#   RIG_USERS             local parts that have a mailbox
#   RIG_RECORDS           names of other rigs' servers: 'hub1.example.com=127.0.41.2 …'
#   RIG_EXIM_HUB          this server gets all mail for RIG_ORG, and its own mail goes out
#   RIG_SENDMAIL_HUB      this server gets all mail that is not local
#   RIG_SENDMAIL_LOCAL=no yes: mailboxes of its own, by a local mailer, and a submission client
# 'start' runs apart from the caller's pipes: the daemons must not keep `rig.sh start DIR | tail` waiting.
if [ "${1:-}" = start ] && [ -z "${RIG_APART:-}" ]; then
  mkdir -p "${2:?directory}"; code=0; RIG_APART=1 bash "$0" "$@" </dev/null >"$2/start.log" 2>&1 || code=$?; cat "$2/start.log"; exit $code
fi
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd); CMD=${1:?}; D=${2:?}; mkdir -p "$D"; D=$(cd "$D" && pwd); shift 2
[ -f "$D/rig.env" ] && . "$D/rig.env"
NET=${RIG_NET:-127.0.40}; ORG=${RIG_ORG:-example.com}; EXT=${RIG_EXT:-example.net}; MTA=$NET.4; SMTPKIT="$HERE/../lib/smtpkit.py"
USERS=${RIG_USERS:-frontdesk helpdesk payroll sales1 sales2 sales3 ops1 ops2 dev1}
export ALT
# The host's name, resolver and /dev/log. The latter in a /dev of its own: a file there that another rig removes would take our mount along.
hostns() { mkdir -p "$D/dev"
  unshare --uts --mount --propagation private bash -c 'd=$1 h=$2; shift 2; hostname "$h"
    [ -f "$d/net/passwd" ] && mount --bind "$d/net/passwd" /etc/passwd
    mount --bind "$d/net/resolv.conf" /etc/resolv.conf; mount --bind "$d/net/hosts" /etc/hosts; mount --bind "$d/net/nsswitch.conf" /etc/nsswitch.conf
    [ -d "$d/spool-smtpd" ] && mount --bind "$d/spool-smtpd" /var/spool/smtpd && mount --bind "$ALT/tree/usr/libexec/opensmtpd" /usr/libexec/opensmtpd
    [ -f "$d/sendmail.mc" ] && mount --bind "$d" /mnt # sendmail refuses files below a world-writable directory such as /tmp
    if [ -S "$d/dev.log" ]; then
      mount -t tmpfs rig "$d/dev"; mkdir "$d/dev/shm" "$d/dev/pts"; chmod 1777 "$d/dev/shm"
      for n in null zero full random urandom tty; do touch "$d/dev/$n"; mount --bind "/dev/$n" "$d/dev/$n"; done
      touch "$d/dev/log"; mount --bind "$d/dev.log" "$d/dev/log"; mount --rbind "$d/dev" /dev
    fi
    exec "$@"' _ "$D" "${KIND}1" "$@"; }
net() { mkdir -p "$D/net"; echo "nameserver $NET.53" > "$D/net/resolv.conf"; echo "127.0.0.1 localhost" > "$D/net/hosts"; sed 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf > "$D/net/nsswitch.conf"
  local rev; rev=$(echo "$NET" | awk -F. '{print $3"."$2"."$1}')
  { printf 'port=53\nlisten-address=%s.53\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\nuser=root\npid-file=%s/net/dnsmasq.pid\nlocal=/#/\n' "$NET" "$D"
    echo "host-record=${KIND}1.$ORG,$MTA"; echo "mx-host=$ORG,${KIND}1.$ORG,10"
    for x in partner:50 grey:51 slow:52 dead:54; do echo "host-record=mx.${x%:*}.$EXT,$NET.${x#*:}"; echo "mx-host=${x%:*}.$EXT,mx.${x%:*}.$EXT,10"; done
    echo "host-record=store.$ORG,$NET.55"; echo "mx-host=store.$ORG,store.$ORG,10"
    echo "host-record=out1.partner.$EXT,$NET.60"; echo "host-record=out2.partner.$EXT,$NET.61"; echo "host-record=pc1.$ORG,$NET.70"; echo "host-record=pc2.$ORG,$NET.71"
    for x in ${RIG_RECORDS:-}; do echo "host-record=${x%=*},${x#*=}"; done
    echo "address=/66.$rev.rbl.$EXT/127.0.0.2"; echo "txt-record=66.$rev.rbl.$EXT,\"listed for the rig\""; } > "$D/net/dnsmasq.conf"
  dnsmasq --conf-file="$D/net/dnsmasq.conf"; }
# What Exim needs to stand before a hub: the hub's mail is relayed, and what is for RIG_ORG goes there.
exim_relay() { [ -z "${RIG_EXIM_HUB:-}" ] || echo "  accept hosts = $RIG_EXIM_HUB"; }
exim_hub() { [ -n "${RIG_EXIM_HUB:-}" ] || return 0; cat <<X
hub:
  driver = manualroute
  domains = $ORG
  route_list = * $RIG_EXIM_HUB
  transport = remote_smtp
  no_more
X
}
conf_exim() { mkdir -p "$D/spool" "$D/log" "$D/mail" "$D/mail/robot/new"; local to="log_file_path = $D/log/%slog"
  case ${RIG_EXIM_SYSLOG:-no} in yes) to="log_file_path = syslog";; once) to=$(printf 'log_file_path = syslog\nsyslog_duplication = false');; esac
  printf '#!/bin/sh\ncat > "%s/mail/robot/new/$$"\n' "$D" > "$D/store"; chmod 755 "$D/store"
  for u in $USERS; do echo "$u: $u"; done > "$D/users"
  { echo "sales: sales1@$ORG, sales2@$ORG, sales3@$ORG"; echo "extgroup: ops1@$ORG, contact@partner.$EXT"; echo "chain1: chain2@$ORG"; echo "chain2: dev1@$ORG"
    echo "void: :blackhole:"; echo "robot: \"|$D/store\""; echo "archive: $D/mail/archive/"; } > "$D/aliases"
  cat > "$D/exim.conf" <<X
primary_hostname = exim1.$ORG
exim_path = $ALT/tree/usr/sbin/exim4
exim_user = mail
exim_group = mail
spool_directory = $D/spool
$to
pid_file_path = $D/exim.pid
local_interfaces = $MTA
daemon_smtp_ports = 25
deliver_drop_privilege = true
never_users =
disable_ipv6 = true
tls_certificate = $D/tls/cert.pem
tls_privatekey = $D/tls/key.pem
tls_advertise_hosts = *
message_size_limit = 1000000
log_selector = ${RIG_EXIM_LOG:-}
host_lookup = *
rfc1413_query_timeout = 0s
ignore_bounce_errors_after = 1m
timeout_frozen_after = 2m
acl_smtp_rcpt = rcpt
acl_smtp_data = data
trusted_users = mail
begin acl
data:
  deny condition = \${if match{\$h_subject:}{REFUSE-CONTENT}}
       message = content refused
  discard condition = \${if match{\$h_subject:}{DROP-CONTENT}}
  warn condition = \${if match{\$h_subject:}{FREEZE-IT}}
       control = freeze
  warn condition = \${if match{\$h_subject:}{FAKE-REJECT}}
       control = fakereject/refused, or so it seems
  accept
rcpt:
  warn hosts = $NET.71/32
       control = cutthrough_delivery
  deny dnslists = rbl.$EXT
       message = $MTA blocks \$sender_host_address: \$dnslist_text
$(exim_relay)
  accept hosts = $NET.70/31
         control = submission/sender_retain
  deny !domains = $ORG
       message = relay not permitted
  require verify = recipient
  accept
begin routers
$(exim_hub)
scan:
  driver = accept
  condition = \${if and{{!eq{\$received_protocol}{spam-scanned}}{match{\$h_subject:}{SCAN-IT}}}}
  domains = $ORG
  transport = scan
  no_verify
aliases:
  driver = redirect
  domains = $ORG
  data = \${lookup{\$local_part}lsearch{$D/aliases}}
  allow_fail
  pipe_transport = pipe
  directory_transport = folder
users:
  driver = accept
  domains = $ORG
  local_parts = lsearch;$D/users
  transport = maildir
nouser:
  driver = redirect
  domains = $ORG
  data = :fail: unknown user
  allow_fail
  more = false
outside:
  driver = dnslookup
  domains = ! $ORG
  transport = remote_smtp
  no_more
begin transports
scan:
  driver = pipe
  command = $ALT/tree/usr/sbin/exim4 -C $D/exim.conf -oMr spam-scanned -bS
  use_bsmtp
  home_directory = $D/spool
  current_directory = $D/spool
  user = mail
  group = mail
  log_output
  return_fail_output
pipe:
  driver = pipe
  user = mail
folder:
  driver = appendfile
  maildir_format
  create_directory
  user = mail
  group = mail
maildir:
  driver = appendfile
  directory = $D/mail/\$local_part_data
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = mail
  group = mail
remote_smtp:
  driver = smtp
  interface = $MTA
begin retry
* * F,40s,4s
X
  chown -R mail:mail "$D/spool" "$D/log" "$D/mail"; }
conf_opensmtpd() { mkdir -p "$D/spool-smtpd" "$D/mail" "$D/log"; chmod 711 "$D/spool-smtpd"; chown mail:mail "$D/mail"
  { for u in $USERS; do echo "$u@$ORG mail"; done; echo "sales@$ORG sales1@$ORG,sales2@$ORG,sales3@$ORG"; echo "extgroup@$ORG ops1@$ORG,contact@partner.$EXT"; echo "chain1@$ORG chain2@$ORG"; echo "chain2@$ORG dev1@$ORG"; } > "$D/virtual"
  cat > "$D/smtpd.conf" <<X
pki rig cert "$D/tls/cert.pem"
pki rig key "$D/tls/key.pem"
table vmap file:$D/virtual
queue ttl 45s
smtp max-message-size "1000000"
listen on $MTA port 25 tls pki rig hostname opensmtpd1.$ORG
action "local" maildir "$D/mail/%{dest.user:raw}" virtual <vmap>
action "relay" relay src $MTA helo opensmtpd1.$ORG
match from any for domain "$ORG" action "local"
match from src "$NET.70" for any action "relay"
match from local for any action "relay"
X
}
# Users of this host, a mailer that files what it gets for them as maildirs, and the submission client's own configuration.
sendmail_local() { local uid=52000 u
  cp /etc/passwd "$D/net/passwd"; mkdir -p "$D/mail" "$D/qc"
  for u in $USERS; do echo "$u:x:$uid:8::/nonexistent:/bin/false" >> "$D/net/passwd"; uid=$((uid + 1))
    mkdir -p "$D/mail/$u/new"; chmod 777 "$D/mail/$u/new"; done
  printf '#!/bin/sh\ncat > "/mnt/mail/$1/new/$(date +%%s.%%N).$$"\n' > "$D/deliver"; chmod 755 "$D/deliver"
  # Behind the OSTYPE, which would take procmail, and before the mailers.
  sed -i "/^undefine(/a define(\`LOCAL_MAILER_PATH', \`/mnt/deliver')\ndefine(\`LOCAL_MAILER_ARGS', \`deliver \$u')\ndefine(\`LOCAL_MAILER_FLAGS', \`PSn9')" "$D/sendmail.mc"
  cat > "$D/submit.mc" <<X
divert(-1)
define(\`_CF_DIR_',\`$ALT/tree/usr/share/sendmail/cf/')dnl
include(\`$ALT/tree/usr/share/sendmail/cf/m4/cf.m4')
define(\`__OSTYPE__',\`')
define(\`_USE_DECNET_SYNTAX_', \`1')
define(\`confTIME_ZONE', \`USE_TZ')
define(\`confDONT_INIT_GROUPS', \`True')
define(\`confRUN_AS_USER', \`smmsp')
define(\`confTRUSTED_USER', \`smmsp')
define(\`confDOMAIN_NAME', \`sendmail1.$ORG')
define(\`MSP_QUEUE_DIR', \`/mnt/qc')
define(\`confPID_FILE', \`/mnt/submit.pid')
define(\`MSP_STATUS_FILE', \`/mnt/submit.statistics')
FEATURE(\`msp', \`[$MTA]')
X
  m4 "$D/submit.mc" > "$D/submit.cf"; chown smmsp:smmsp "$D/qc"; chmod 770 "$D/qc"; }
conf_sendmail() { mkdir -p "$D/q" "$D/log"; chmod 700 "$D/q"; local sm="$ALT/tree/usr/libexec/sendmail/sendmail"
  # The addresses of all rigs stand at the loopback interface: without the second line the hub's name would be its own.
  local hub=''; [ -z "${RIG_SENDMAIL_HUB:-}" ] || hub=$(printf '%s\n' "define(\`SMART_HOST', \`[$RIG_SENDMAIL_HUB]')" "define(\`confDONT_PROBE_INTERFACES', \`True')")
  { [ "${RIG_SENDMAIL_LOCAL:-no}" = yes ] || for u in $USERS; do echo "$u: $u@store.$ORG"; done; echo "sales: sales1,sales2,sales3"; echo "extgroup: ops1, contact@partner.$EXT"; echo "chain1: chain2"; echo "chain2: dev1"; echo "postmaster: ops1"; echo "MAILER-DAEMON: postmaster"; } > "$D/aliases"
  printf 'Connect:%s.70 RELAY\nConnect:%s RELAY\n' "$NET" "$MTA" > "$D/access"
  cat > "$D/sendmail.mc" <<X
divert(-1)
define(\`_CF_DIR_',\`$ALT/tree/usr/share/sendmail/cf/')dnl
include(\`$ALT/tree/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(\`linux')
DOMAIN(\`generic')
undefine(\`confHOST_STATUS_DIRECTORY')
define(\`ALIAS_FILE', \`/mnt/aliases')
define(\`QUEUE_DIR', \`/mnt/q')
define(\`STATUS_FILE', \`/mnt/statistics')
define(\`confPID_FILE', \`/mnt/sendmail.pid')
define(\`confDONT_BLAME_SENDMAIL', \`GroupReadableKeyFile,InsufficientEntropy')
define(\`confMAX_MESSAGE_SIZE', \`1000000')
define(\`confTO_QUEUERETURN', \`45s')
define(\`confTO_QUEUEWARN', \`20s')
define(\`confTO_IDENT', \`0')
define(\`confTO_ICONNECT', \`3s')
define(\`confMIN_QUEUE_AGE', \`0')
define(\`confREFUSE_LA', \`50')
define(\`confQUEUE_LA', \`40')
define(\`confDOMAIN_NAME', \`sendmail1.$ORG')
define(\`confSERVER_CERT', \`/mnt/tls/cert.pem')
define(\`confSERVER_KEY', \`/mnt/tls/key.pem')
define(\`confCACERT', \`/mnt/tls/cert.pem')
define(\`confCACERT_PATH', \`/mnt/tls')
define(\`confLOG_LEVEL', \`9')
define(\`confDEF_USER_ID', \`mail:mail')
FEATURE(\`nocanonify')
FEATURE(\`use_cw_file')
define(\`confCW_FILE', \`/mnt/local-host-names')
FEATURE(\`access_db', \`hash -T<TMPF> -o /mnt/access.db')
FEATURE(\`dnsbl', \`rbl.$EXT', \`"554 5.7.1 " \$&{client_addr} " listed at rbl.$EXT"')
FEATURE(\`delay_checks')
FEATURE(\`no_default_msa')
DAEMON_OPTIONS(\`Family=inet, Addr=$MTA, Port=25, Name=MTA')
CLIENT_OPTIONS(\`Family=inet, Addr=$MTA')
$hub
MAILER(\`local')
MAILER(\`smtp')
X
  if [ "${RIG_SENDMAIL_LOCAL:-no}" = yes ]; then sendmail_local; fi
  echo "$ORG" > "$D/local-host-names"
  m4 "$D/sendmail.mc" > "$D/sendmail.cf"
  local mm; mm=$(find "$ALT/tree/usr" -name makemap -type f | head -1)
  hostns "$mm" -C /mnt/sendmail.cf hash /mnt/access.db < "$D/access"; hostns "$sm" -bi -C /mnt/sendmail.cf > "$D/newaliases.txt" 2>&1; }
rsyslog() { printf 'global(workDirectory="%s")\nmodule(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="%s/dev.log" CreatePath="off" RateLimit.Interval="0")\n*.* action(type="omfile" file="%s/log/mail.log" template="%s")\n' "$D" "$D" "$D" "${RIG_SYSLOG_TEMPLATE:-RSYSLOG_TraditionalFileFormat}" > "$D/rsyslog.conf"
  hostns rsyslogd -f "$D/rsyslog.conf" -i "$D/rsyslogd.pid"; for _ in $(seq 50); do [ -S "$D/dev.log" ] && break; sleep 0.1; done; }
daemon() { hostns sh -c 'echo $$ > "$0/mta.pid"; exec "$@"' "$D" "$@" </dev/null > "$D/mta.err" 2>&1 & } # in front, so that its pid is known at once
wait_port() { for _ in $(seq 150); do (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return 0; sleep 0.1; done; echo "rig: no answer on $1:$2" >&2; return 1; }
sink() { python3 "$SMTPKIT" sink --listen $NET.$1:25 --log "$D/sink.jsonl" --hostname "$2" --pidfile "$D/sink-$1.pid" "${@:3}" </dev/null >/dev/null 2>>"$D/sink.err" & }
killpid() { [ -s "$1" ] || return 0; local p; p=$(head -1 "$1" | tr -d ' '); kill "$p" 2>/dev/null || true; for _ in $(seq 50); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done; rm -f "$1"; }
case $CMD in
  start) if (exec 3<>"/dev/tcp/$MTA/25") 2>/dev/null; then echo "rig: something already answers on $MTA:25" >&2; exit 1; fi
    KIND=${1:?exim|opensmtpd|sendmail}; ALT=$(cd "${2:?}" && pwd); chmod 755 "$D"
    echo "RIG_NET='$NET' RIG_ORG='$ORG' RIG_EXT='$EXT' KIND='$KIND' ALT='$ALT'" > "$D/rig.env"; mkdir -p "$D/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=${KIND}1.$ORG" -keyout "$D/tls/key.pem" -out "$D/tls/cert.pem" 2>/dev/null
    chmod 600 "$D/tls/key.pem"; [ "$KIND" = exim ] && chown mail "$D/tls/key.pem"
    ip addr add $MTA/32 dev lo 2>/dev/null || true; net; conf_$KIND
    sink 50 mx.partner.$EXT; sink 51 mx.grey.$EXT --mode grey; sink 55 store.$ORG; wait_port $NET.50 25; wait_port $NET.51 25; wait_port $NET.55 25
    case $KIND in
      exim) [ "${RIG_EXIM_SYSLOG:-no}" = no ] || rsyslog; daemon "$ALT/tree/usr/sbin/exim4" -C "$D/exim.conf" -bdf -q4s ;;
      opensmtpd) rsyslog; daemon "$ALT/tree/usr/sbin/smtpd" -F -f "$D/smtpd.conf" ;;
      sendmail) rsyslog; daemon "$ALT/tree/usr/libexec/sendmail/sendmail" -C /mnt/sendmail.cf -L sendmail -bD -q4s ;;
    esac; wait_port $MTA 25; echo "rig: ready ($KIND on $MTA:25)" ;;
  open-slow) sink 52 mx.slow.$EXT ;;
  kick) [ "$KIND" = opensmtpd ] && hostns "$ALT/tree/usr/sbin/smtpctl" schedule all >/dev/null 2>&1 || true ;;
  queue) case $KIND in exim) hostns "$ALT/tree/usr/sbin/exim4" -C "$D/exim.conf" -bp ;; opensmtpd) hostns "$ALT/tree/usr/sbin/smtpctl" show queue ;; sendmail) hostns "$ALT/tree/usr/libexec/sendmail/sendmail" -C /mnt/sendmail.cf -bp ;; esac ;;
  submit) hostns "$ALT/tree/usr/libexec/sendmail/sendmail" -Ac -C /mnt/submit.cf -i -f "${1:?sender}" -- "${@:2}" ;;
  by-hand) hostns "$ALT/tree/usr/sbin/exim4" -C "$D/exim.conf" "${1:?-Mrm and so on}" "${2:?id}" ;;
  stop) killpid "$D/mta.pid"
    for f in "$D"/sink-*.pid "$D/net/dnsmasq.pid" "$D/rsyslogd.pid"; do killpid "$f"; done
    ip addr del $MTA/32 dev lo 2>/dev/null || true; echo "rig: stopped" ;;
esac
