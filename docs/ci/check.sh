#!/bin/sh
# What CI does with a recording of this commit's tests: check.sh RECORDING PROFILE OUT [BEFORE]
#
# PROFILE is the one in the repository, as `profiler generate` wrote it; BEFORE the same in the branch
# that this commit goes to, left out or empty where there is none. OUT gets seccomp.json (what the tests
# need now), comment.md (for the pull request), lint.sarif, and with BEFORE diff.sarif. Exit code 1 where
# the tests need what PROFILE does not allow, or lint finds something; 2 where a file cannot be used.
set -eu
usage='usage: check.sh RECORDING PROFILE OUT [BEFORE]'
recording=${1:?$usage} profile=${2:?$usage} out=${3:?$usage} before=${4:-}
mkdir -p "$out"
code=0
worst() { [ "$1" -le "$code" ] || code=$1; }

profiler generate --strict "$recording" -o "$out/seccomp.json"
profiler lint --format sarif "$profile" > "$out/lint.sarif" || worst $?
{
    printf '## What the tests need\n\n'
    profiler diff "$profile" "$recording" --fail-on widened --format markdown || worst $?
    if [ -s "$before" ]; then
        printf '\n## What this changes\n\n'
        profiler diff "$before" "$profile" --fail-on never --format markdown
        profiler diff "$before" "$profile" --fail-on never --format sarif > "$out/diff.sarif"
    fi
    printf '\n## What lint finds\n\n'
    profiler lint --fail-on never --format markdown "$profile"
    printf '\n## How sure it is\n\n```\n'
    profiler coverage "$recording"
    printf '```\n'
} > "$out/comment.md"
exit "$code"
