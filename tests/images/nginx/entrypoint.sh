#!/bin/sh
# As official images do it: a shell that looks at its arguments, then becomes the server.
set -e
if [ "$#" -eq 0 ]; then
    set -- nginx -g 'daemon off;'
fi
ln -sf /dev/stdout /var/log/nginx/access.log
ln -sf /dev/stderr /var/log/nginx/error.log
nginx -q -t
exec "$@"
