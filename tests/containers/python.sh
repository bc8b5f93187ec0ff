#!/bin/sh
# What a user of the python image might test: pages, notes that last, threads at once, a child.
set -eu
base="http://$PROFILER_IP:8080"

expect() {
    wanted=$1
    shift
    got=$(curl -s --max-time 60 "$@")
    [ "$got" = "$wanted" ] || { echo "$*: $got instead of $wanted" >&2; exit 1; }
}

curl -sf -o /dev/null --retry 50 --retry-delay 0 --retry-connrefused --max-time 60 "$base/"
expect 'it works' "$base/"
expect 'kept' -X PUT -d first "$base/notes/one"
expect 'first' "$base/notes/one"
expect 'no such note' "$base/notes/two"
expect 'Linux' "$base/child"
for note in 1 2 3 4 5 6; do
    curl -sf --max-time 60 -X PUT -d "note $note" "$base/notes/$note" > /dev/null &
    requests="${requests:-} $!"
done
# shellcheck disable=SC2086 # a list of numbers
for request in $requests; do
    wait "$request"
done
expect 'note 6' "$base/notes/6"
docker exec "$PROFILER_CONTAINER" python3 -c 'import os, sqlite3; print(os.getuid())' > /dev/null
