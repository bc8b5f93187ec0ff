#!/bin/sh
# As official images do it: root takes the data folder over, then gives itself up.
set -e
if [ "$#" -eq 0 ]; then
    set -- redis-server --bind 0.0.0.0 --protected-mode no --dir /data
fi
if [ "$(id -u)" = 0 ]; then
    chown redis:redis /data
    exec setpriv --reuid=redis --regid=redis --init-groups "$@"
fi
exec "$@"
