#!/bin/sh
# The smallest Debian of the suite with apt, made once; nginx and redis start from a copy of it.
set -eu
mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$(cat suite)" "$ROOT"
