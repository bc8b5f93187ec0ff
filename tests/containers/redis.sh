#!/bin/sh
# What a user of the redis image might test: values, snapshots, the log, a pipeline, settings.
set -eu
# By the same command line each time, so that all are one exec session of the recording.
redis() {
    echo "$@" | docker exec -i "$PROFILER_CONTAINER" sh -c 'read -r command; exec redis-cli $command'
}

expect() {
    wanted=$1
    shift
    got=$(redis "$@")
    [ "$got" = "$wanted" ] || { echo "$*: $got instead of $wanted" >&2; exit 1; }
}

# A background job is done; redis refuses the next one until then.
settled() {
    for _ in $(seq 300); do
        redis INFO persistence > /tmp/redis-info.$$
        if ! grep -qE '_in_progress:1|_scheduled:1' /tmp/redis-info.$$; then
            rm /tmp/redis-info.$$
            return
        fi
        sleep 0.1
    done
    echo 'a background job takes too long' >&2
    exit 1
}

for _ in $(seq 100); do
    [ "$(redis PING 2> /dev/null)" = PONG ] && break
    sleep 0.1
done
expect PONG PING
# On a busy machine any command may be slow, and the slow log asks for the peer's name. A test that
# leaves that to chance records a profile that fails by chance.
expect OK CONFIG SET slowlog-log-slower-than 0
expect OK SET key value
expect value GET key
expect 1 EXPIRE key 100
expect OK SAVE
redis BGSAVE > /dev/null
settled
expect OK CONFIG SET appendonly yes
settled
expect OK SET key other
redis BGREWRITEAOF > /dev/null
settled
expect OK CONFIG SET maxmemory 64mb
docker exec "$PROFILER_CONTAINER" redis-benchmark -q -n 2000 -P 16 -t set,get,lpush > /dev/null
expect other GET key
