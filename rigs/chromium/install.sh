#!/bin/sh
# The browser, and a font for its text.
exec sh "$(dirname "$0")/../lib/install.sh" chromium fonts-dejavu-core
