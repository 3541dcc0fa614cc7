#!/bin/sh
# The Debian packages of this rig.
exec sh "$(dirname "$0")/../lib/install.sh" postfix amavisd-new spamassassin opendkim opendkim-tools opendmarc postgrey \
  postfix-policyd-spf-python rsyslog dnsmasq-base iproute2
