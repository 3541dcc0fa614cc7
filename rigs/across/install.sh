#!/bin/sh
# install.sh ALT: the packages of both rigs; Exim and Sendmail are unpacked below ALT.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sh "$here/../postfix-chain/install.sh"
sh "$here/../alt-mta/install.sh" "${1:?directory}"
