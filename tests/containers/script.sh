#!/bin/sh
# What the owner of the script might test: two rounds, and what they counted.
set -eu
for _ in $(seq 200); do
    round=$(docker exec "$PROFILER_CONTAINER" cat /out/round 2> /dev/null || echo 0)
    [ "$round" -ge 2 ] && break
    sleep 0.1
done
[ "$round" -ge 2 ] || { echo "only $round rounds" >&2; exit 1; }
docker exec "$PROFILER_CONTAINER" sh -c 'gunzip -c /out/counts.gz | head -n 1' | grep -q '3 three'
