#!/bin/sh
# Counts words in rounds until it is told to stop.
set -eu
trap 'kill "$!" 2> /dev/null; echo stopped > /out/state; exit 0' TERM
round=0
while true; do
    round=$((round + 1))
    printf 'one two\ntwo three three three\n' | tr ' ' '\n' | sort | uniq -c | sort -rn > /out/counts.new
    mv /out/counts.new /out/counts
    find /out -type f | xargs wc -c | tail -n 1 | awk '{ print $1 }' > /out/size
    date +%s > /out/date
    gzip -c /out/counts > /out/counts.gz
    echo "$round" > /out/round
    # Waited for, so that the trap need not wait for it.
    sleep 1 &
    wait "$!"
done
