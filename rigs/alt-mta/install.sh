#!/bin/sh
# install.sh DIR: Exim 4, OpenSMTPD and Sendmail conflict as Debian packages, so they are only unpacked, under DIR/tree.
# DIR and its parents must be searchable for everybody (mode 0755). Needs root.
set -eu

alt=${1:?directory}
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/../lib/install.sh" libidn12 libnsl2 libgnutls-dane0 libdb5.3 libpcre2-8-0 libevent-2.1-7 libpam0g liblockfile1 libwrap0 \
  libsasl2-2 libldap-2.5-0 m4 dnsmasq-base rsyslog openssl util-linux iproute2 procps perl python3

mkdir -p "$alt/deb" "$alt/tree"
cd "$alt/deb"
apt-get -o DPkg::Lock::Timeout=600 download exim4-daemon-light exim4-base opensmtpd sendmail-bin sendmail-base sendmail-cf
for package in *.deb; do dpkg -x "$package" "$alt/tree"; done

account() { getent passwd "$1" >/dev/null || useradd -r -M -d "$2" -s /usr/sbin/nologin "$1"; }
account Debian-exim /var/spool/exim4
for name in opensmtpd opensmtpq; do account $name /var/lib/opensmtpd/empty; done
for name in smmta smmsp; do account $name /var/lib/sendmail; done

# OpenSMTPD has these paths built in.
mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd /usr/libexec/opensmtpd
chmod 711 /var/lib/opensmtpd /var/lib/opensmtpd/empty /var/spool/smtpd
chgrp opensmtpq "$alt/tree/usr/sbin/smtpctl"
chmod 2755 "$alt/tree/usr/sbin/smtpctl"
