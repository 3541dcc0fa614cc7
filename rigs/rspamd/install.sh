#!/bin/sh
# The Debian packages of this rig, and those of the mail servers it filters for.
sh "$(dirname "$0")/../postfix-chain/install.sh" && exec sh "$(dirname "$0")/../lib/install.sh" rspamd
