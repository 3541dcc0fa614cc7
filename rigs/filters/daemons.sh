# Each daemon's configuration and start, for capture.sh. Everything lies below $work; nothing here outlives its namespaces.

mx=192.0.2.1 dns=192.0.2.53 partner=192.0.2.10 stranger=192.0.2.11 inside=192.0.2.20
list=of.a.very.long.list.with.many.many.members

network() {
  hostname mx1
  ip link set lo up
  local address
  for address in $mx $dns $partner $stranger $inside; do ip addr add $address/24 dev lo; done
  mkdir -p "$work/net" "$work/run" "$work/log" "$work/mail"
  echo "nameserver $dns" > "$work/net/resolv.conf"
  printf '127.0.0.1 localhost\n%s mx1.example.com mx1\n' $mx > "$work/net/hosts"
  sed 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf > "$work/net/nsswitch.conf"
  local file
  for file in resolv.conf hosts nsswitch.conf; do mount --bind "$work/net/$file" /etc/$file; done
}

logging() {
  cat > "$work/rsyslog.conf" <<Y
global(workDirectory="$work")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$work/dev.log" CreatePath="off" RateLimit.Interval="0")
mail.* action(type="omfile" file="$work/log/mail.log" template="RSYSLOG_FileFormat")
Y
  rsyslogd -f "$work/rsyslog.conf" -i "$work/rsyslogd.pid"
  until [ -S "$work/dev.log" ]; do sleep 0.1; done
  mount --bind "$work/dev.log" /dev/log
}

# The partner signs with a key that the DNS tells, and so do we.
signing_keys() {
  mkdir -p "$work/keys"
  local domain
  for domain in partner.example.net example.com; do
    opendkim-genkey -b 1024 -d $domain -s sel -D "$work/keys"
    mv "$work/keys/sel.private" "$work/keys/$domain.private"
    tr -d '\n' < "$work/keys/sel.txt" | grep -o '"[^)]*"' | sed 's/"[[:space:]]*"//g' | tr -d '"' | sed 's/h=sha256; //' > "$work/keys/$domain.txt"
  done
  chown -R opendkim "$work/keys"
  cat > "$work/net/dnsmasq.conf" <<Y
port=53
listen-address=$dns
bind-interfaces
no-resolv
no-hosts
user=root
pid-file=$work/run/dnsmasq.pid
local=/#/
host-record=mx1.example.com,$mx
host-record=out1.partner.example.net,$partner
host-record=stranger.example.org,$stranger
host-record=pc1.example.com,$inside
mx-host=partner.example.net,out1.partner.example.net,10
mx-host=example.com,mx1.example.com,10
txt-record=partner.example.net,"v=spf1 ip4:$partner -all"
txt-record=strict.example.org,"v=spf1 -all"
txt-record=_dmarc.partner.example.net,"v=DMARC1; p=none"
txt-record=_dmarc.strict.example.org,"v=DMARC1; p=reject"
Y
  for domain in partner.example.net example.com; do
    echo "txt-record=sel._domainkey.$domain,\"$(cat "$work/keys/$domain.txt")\"" >> "$work/net/dnsmasq.conf"
  done
  dnsmasq --conf-file="$work/net/dnsmasq.conf"
}

start_opendkim() {
  cat > "$work/opendkim.conf" <<Y
Syslog yes
SyslogSuccess yes
LogWhy yes
LogResults yes
Canonicalization relaxed/simple
Mode sv
UserID opendkim
Socket inet:8891@127.0.0.1
PidFile $work/run/opendkim.pid
Domain example.com
Selector sel
KeyFile $work/keys/example.com.private
InternalHosts $inside
RequireSafeKeys no
Nameservers $dns
AuthservID mx1.example.com
Y
  opendkim -x "$work/opendkim.conf"
}

start_opendmarc() {
  cat > "$work/opendmarc.conf" <<Y
Syslog true
UserID opendmarc
Socket inet:8893@127.0.0.1
PidFile $work/opendmarc.pid
AuthservID mx1.example.com
TrustedAuthservIDs mx1.example.com
IgnoreHosts $work/trusted
RejectFailures true
SPFSelfValidate true
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
Y
  printf '127.0.0.1\n%s\n' $inside > "$work/trusted"
  touch "$work/opendmarc.pid" && chown opendmarc "$work/opendmarc.pid"
  opendmarc -c "$work/opendmarc.conf"
}

start_postgrey() {
  mkdir -p "$work/postgrey" && chown postgrey "$work/postgrey"
  (cd / && postgrey --inet=127.0.0.1:10023 --delay=2 --dbdir="$work/postgrey" --user=postgrey --daemonize \
    --pidfile="$work/run/postgrey.pid" --whitelist-clients=/dev/null --whitelist-recipients=/dev/null)
}

start_amavis() {
  mkdir -p "$work"/amavis/{db,tmp,quarantine,var} && chown -R amavis "$work/amavis"
  local spam=D_DISCARD banned=D_REJECT
  [ "$mode" = before ] && spam=D_REJECT
  cat > "$work/amavisd.conf" <<Y
use strict;
\$MYHOME = "$work/amavis"; \$TEMPBASE = "\$MYHOME/tmp"; \$QUARANTINEDIR = "\$MYHOME/quarantine";
\$db_home = "\$MYHOME/db"; \$helpers_home = "\$MYHOME/var"; \$pid_file = "\$MYHOME/amavisd.pid"; \$lock_file = "\$MYHOME/amavisd.lock";
\$daemon_user = 'amavis'; \$daemon_group = 'amavis'; \$max_servers = 2; \$enable_db = 0; \$enable_zmq = 0;
\$mydomain = 'example.com'; \$myhostname = 'mx1.example.com'; @local_domains_maps = ( [".\$mydomain"] );
@mynetworks = qw( 127.0.0.0/8 $inside );
\$log_level = 0; \$do_syslog = 1; \$syslog_facility = 'mail'; \$syslog_ident = 'amavis';
\$inet_socket_port = 10024; \$forward_method = 'smtp:[127.0.0.1]:10025'; \$notify_method = \$forward_method;
\$sa_local_tests_only = 1; \$sa_tag_level_deflt = -999; \$sa_tag2_level_deflt = 6; \$sa_kill_level_deflt = 6;
\$final_spam_destiny = $spam; \$final_banned_destiny = $banned; \$final_bad_header_destiny = D_PASS;
\$enable_dkim_verification = 0; \$enable_dkim_signing = 0;
@spam_lovers_maps = ( ['lover@example.com'] );
@bypass_virus_checks_maps = (1);
\$spam_quarantine_method = 'local:spam-%m'; \$banned_files_quarantine_method = 'local:banned-%m';
\$banned_filename_re = new_RE( qr'.\\.(exe|scr)\$'i );
1;
Y
  amavisd -c "$work/amavisd.conf" > "$work/log/amavisd.out" 2>&1 &
}

start_postfix() {
  mkdir -p "$work/etc" && cp -r /etc/postfix/. "$work/etc/"
  mount --bind "$work/etc" /etc/postfix
  mount -t tmpfs none /var/spool/postfix && mount -t tmpfs none /var/lib/postfix && chown postfix /var/lib/postfix
  local after="" proxy="" milters="inet:127.0.0.1:8891,inet:127.0.0.1:8893" reinject=""
  if [ "$mode" = after ]; then after="-o content_filter=smtp-amavis:[127.0.0.1]:10024"
  else proxy="-o smtpd_proxy_filter=127.0.0.1:10024 -o smtpd_milters="; reinject="-o smtpd_milters=$milters"; fi
  chown -R 5000:5000 "$work/mail"
  cat > /etc/postfix/main.cf <<Y
compatibility_level = 3.6
myhostname = mx1.example.com
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = $mx, 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8, $inside
smtp_bind_address = $mx
virtual_mailbox_domains = example.com
virtual_mailbox_base = $work/mail
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
transport_maps = inline:{ partner.example.net=smtp:[$partner]:25 }
smtpd_milters = $milters
milter_default_action = accept
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, check_policy_service unix:private/policyd-spf, check_policy_service inet:127.0.0.1:10023
policyd-spf_time_limit = 600
smtpd_soft_error_limit = 100
smtpd_hard_error_limit = 100
smtp_tls_security_level = none
Y
  local user
  for user in bob bob0 bob1 bob2 eve lover $(for turn in 0 1 2; do for place in $(seq -w 0 15); do echo member$place.$list.$turn; done; done); do
    echo "$user@example.com $user/"
  done > /etc/postfix/mailboxes
  cat >> /etc/postfix/master.cf <<Y
policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf $work/policyd-spf.conf
smtp-amavis unix - - n - 2 smtp -o smtp_send_xforward_command=yes -o smtp_bind_address=127.0.0.1 -o syslog_name=postfix/amavis
127.0.0.1:10025 inet n - n - - smtpd -o syslog_name=postfix/reinject -o content_filter= -o smtpd_milters= $reinject
  -o mynetworks=127.0.0.0/8 -o smtpd_recipient_restrictions=permit_mynetworks,reject -o smtpd_authorized_xforward_hosts=127.0.0.0/8
  -o receive_override_options=no_header_body_checks,no_unknown_recipient_checks
Y
  sed -i "s#^smtp      inet .*#$mx:25 inet n - n - - smtpd $after $proxy#; s#^\\(pickup.*\\)#\\1#" /etc/postfix/master.cf
  printf 'debugLevel = 1\nTestOnly = 1\nHELO_reject = Fail\nMail_From_reject = Fail\nPermError_reject = False\nTempError_Defer = False\nskip_addresses = 127.0.0.0/8\n' > "$work/policyd-spf.conf"
  postfix start
  local port
  for port in $mx/25 127.0.0.1/10025 127.0.0.1/10024 127.0.0.1/10023 127.0.0.1/8891 127.0.0.1/8893; do
    for _ in $(seq 300); do (exec 3<>"/dev/tcp/$port") 2>/dev/null && break; sleep 0.1; done
    (exec 3<>"/dev/tcp/$port") 2>/dev/null || { echo "rig: no answer on $port" >&2; tail -5 "$work/log/amavisd.out" >&2; return 1; }
  done
}
