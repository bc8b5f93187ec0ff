#!/bin/sh
# A shell script as somebody's nightly job, on nothing but busybox.
set -eu
install -m 755 job.sh "$ROOT/job.sh"
mkdir -p "$ROOT/out"
