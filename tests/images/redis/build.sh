#!/bin/sh
# Debian's redis, its folder in the usual place.
set -eu
../base/install-packages redis-server redis-tools
install -m 755 entrypoint.sh "$ROOT/entrypoint.sh"
mkdir -p "$ROOT/data"
