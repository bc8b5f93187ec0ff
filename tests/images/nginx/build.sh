#!/bin/sh
# Debian's nginx with a document root, a cache and an upload folder; busybox is the health
# check's client.
set -eu
../base/install-packages nginx-light busybox-static
rm "$ROOT/etc/nginx/sites-enabled/default"
cp nginx.conf "$ROOT/etc/nginx/nginx.conf"
install -m 755 entrypoint.sh "$ROOT/entrypoint.sh"
mkdir -p "$ROOT/srv/www"
echo '<h1>it works</h1>' > "$ROOT/srv/www/index.html"
head -c 1048576 /dev/zero | tr '\0' 'x' > "$ROOT/srv/www/large.bin"
chroot "$ROOT" install -d -o www-data -g www-data /srv/uploads /var/cache/nginx
