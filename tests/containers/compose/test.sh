#!/bin/sh
# A Compose project's integration test: brings it up with two clients, sees every service answer,
# restarts one, runs something in another, and takes it down again. PROJECT names it; the images
# are NGINX_IMAGE, REDIS_IMAGE and BUSYBOX_IMAGE.
set -eu
PROJECT=${PROJECT:-profiler-test-$$}
compose() {
    docker-compose -p "$PROJECT" -f "$(dirname "$0")/docker-compose.yml" "$@"
}
trap 'compose down --volumes --timeout 5' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

eventually() {
    deadline=$(($(date +%s) + 60))
    until "$@"; do
        if [ "$(date +%s)" -gt "$deadline" ]; then
            echo "in vain: $*" >&2
            exit 1
        fi
        sleep 0.2
    done
}

served() {
    curl -sf --max-time 5 "http://$web/" | grep -q 'it works'
}

cached() {
    [ "$(compose exec -T cache redis-cli "$@" 2> /dev/null)" = "$answer" ]
}

rounds() {
    compose exec -T --index "$1" client cat /tmp/rounds 2> /dev/null || echo 0
}

further() {
    [ "$(rounds "$1")" -gt "$2" ]
}

compose up -d --scale client=2
web=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
    "$(compose ps -q web)")
eventually served
answer=PONG
eventually cached PING
eventually further 1 0
eventually further 2 0

# The clients go on where they were, and what was saved is still there.
answer=OK
cached SET kept 1
cached SAVE
compose restart --timeout 5 cache
answer=1
eventually cached GET kept
for client in 1 2; do
    eventually further "$client" "$(rounds "$client")"
done

compose exec -T web nginx -s reload
eventually served
