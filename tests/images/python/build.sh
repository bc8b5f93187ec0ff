#!/bin/sh
# Debian's Python and a service of our own, run by a user of its own.
set -eu
../base/install-packages python3-minimal libpython3-stdlib
install -m 644 -D service.py "$ROOT/srv/service.py"
install -d -o 1000 -g 1000 "$ROOT/data"
