#!/bin/sh
# What a user of the nginx image might test: pages, errors, a range, the cache, an upload, a reload.
set -eu
base="http://$PROFILER_IP"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

up() {
    curl -sf -o /dev/null --retry 50 --retry-delay 0 --retry-connrefused --max-time 60 "$base/"
}

expect() {
    wanted=$1
    shift
    got=$(curl -s -o "$scratch/body" -w '%{http_code}' --max-time 60 "$@")
    [ "$got" = "$wanted" ] || { echo "$*: $got instead of $wanted" >&2; exit 1; }
}

up
expect 200 "$base/"
grep -q 'it works' "$scratch/body"
expect 200 "$base/large.bin"
[ "$(wc -c < "$scratch/body")" = 1048576 ]
expect 206 -r 100-199 "$base/large.bin"
expect 404 "$base/nothing-here"
expect 200 -H 'Accept-Encoding: gzip' "$base/"
expect 200 "$base/cached/large.bin"
expect 200 "$base/cached/large.bin"
head -c 300000 /dev/zero > "$scratch/upload"
expect 201 -T "$scratch/upload" "$base/upload/file"
expect 204 -T "$scratch/upload" "$base/upload/file"
expect 204 -X DELETE "$base/upload/file"

docker exec "$PROFILER_CONTAINER" nginx -s reload
for _ in 1 2 3 4 5 6 7 8 9 10; do
    expect 200 "$base/"
done
