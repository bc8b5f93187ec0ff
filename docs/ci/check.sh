#!/bin/sh
# What CI does with a recording of this commit's tests: check.sh RECORDING PROFILE OUT
#
# PROFILE is the one in the repository, as `profiler generate` wrote it. OUT gets seccomp.json (what the
# tests need now), comment.md (for the pull request) and lint.sarif. Exit code 1 where the two profiles
# differ or lint finds something, 2 where a file cannot be used.
set -eu
recording=$1 profile=$2 out=$3
mkdir -p "$out"
code=0

profiler generate --strict "$recording" -o "$out/seccomp.json"
profiler lint --format sarif "$profile" > "$out/lint.sarif" || code=$?
{
    if diff -u "$profile" "$out/seccomp.json" > "$out/seccomp.diff"; then
        echo "The tests need what the profile allows."
    else
        [ "$code" -ne 0 ] || code=1
        printf 'The tests need another profile; take it from the artifacts, if that is meant:\n\n```diff\n'
        cat "$out/seccomp.diff"
        printf '```\n'
    fi
    echo
    profiler lint --format markdown "$profile" || true
    printf '\n```\n'
    profiler coverage "$recording"
    printf '```\n'
} > "$out/comment.md"
exit "$code"
