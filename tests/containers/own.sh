#!/bin/sh
# A test suite that starts and removes its own containers, as testcontainers does: a redis, an
# nginx, and one that lives for less than 100 ms. Each has a random name and carries LABEL; the
# images are NGINX_IMAGE, REDIS_IMAGE and BUSYBOX_IMAGE.
set -eu
LABEL=${LABEL:-org.testcontainers=true}
started=
trap 'for name in $started; do docker rm -f "$name" > /dev/null 2>&1 || :; done' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Its name is $name then.
start() {
    name=suite-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
    started="$started $name"
    docker run -d --rm --name "$name" --label "$LABEL" "$@" > /dev/null
}

eventually() {
    deadline=$(($(date +%s) + 60))
    until "$@"; do
        if [ "$(date +%s)" -gt "$deadline" ]; then
            echo "in vain: $*" >&2
            exit 1
        fi
        sleep 0.1
    done
}

answers() {
    [ "$(docker exec "$name" redis-cli PING 2> /dev/null)" = PONG ]
}

serves() {
    curl -sf --max-time 5 "http://$address/" | grep -q 'it works'
}

start "${REDIS_IMAGE:-profiler-test/redis:latest}"
eventually answers
[ "$(docker exec "$name" redis-cli INCRBY sum 42)" = 42 ]
docker rm -f "$name" > /dev/null

start "${NGINX_IMAGE:-profiler-test/nginx:latest}"
address=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' "$name")
eventually serves
docker rm -f "$name" > /dev/null

# In the foreground: by the time that `docker run -d` returned, it may be gone.
name=suite-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
started="$started $name"
kernel=$(docker run --rm --name "$name" --label "$LABEL" \
    "${BUSYBOX_IMAGE:-profiler-test/busybox:latest}" uname -r)
[ "$kernel" = "$(uname -r)" ]
