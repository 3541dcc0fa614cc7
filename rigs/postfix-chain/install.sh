#!/bin/sh
# The Debian packages of this rig.
exec sh "$(dirname "$0")/../lib/install.sh" postfix postfix-pcre dovecot-core dovecot-imapd dovecot-lmtpd dovecot-sieve \
  dnsmasq-base rsyslog swaks openssl gnupg gpg-agent libsasl2-modules procps util-linux iproute2 python3
