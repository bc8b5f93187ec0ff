#!/bin/bash
# Makes git-runs.txt: which calls each of many runs of git asks for, as strace sees them. A run is a
# session in a new repository whose steps are drawn at random, some often, some seldom.
#
# A line a run: what not all runs ask for, sorted.
set -euo pipefail
runs=${1:-500}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org GIT_PAGER=cat

session() {
    RANDOM=$(( $1 * 7919 ))
    git init -q .
    seq 1 400 > numbers
    mkdir -p deep/er && seq 1 9 > deep/er/numbers
    git add . && git commit -qm first
    # One in so many runs takes the step.
    step() { (( RANDOM % $1 )) || eval "$2" || true; }
    step 2 'git status'
    step 2 'git log --oneline'
    step 2 'seq 1 300 > numbers && git commit -qam second'
    step 3 'git diff HEAD~1'
    step 3 'git checkout -qb topic && git checkout -q -'
    step 4 'git stash && git stash pop'
    step 4 'ln -sf numbers link && git add link && git commit -qm link'
    step 5 'git grep 7'
    step 6 'git tag -a v1 -m v1'
    step 8 'git clone -q . ../clone && git -C ../clone pull -q'
    step 8 'git blame numbers'
    step 10 'git rebase -q HEAD~1'
    step 12 'git archive --format=tar.gz -o a.tar.gz HEAD'
    step 15 'git worktree add -q ../tree && git worktree remove ../tree'
    step 20 'git gc -q'
    step 25 'git fsck'
    step 30 'git bundle create all.bundle --all'
    step 40 'git submodule add -q ./ sub'
    step 50 'printf "[core]\n\tfsync = all\n" >> .git/config && git commit -q --allow-empty -m c'
    step 60 'git repack -adq && git prune'
    step 80 'timeout 1 git daemon --base-path=. --listen=127.0.0.1 --port=0'
    step 100 'git format-patch -q -1 && git am -q 0001*'
    step 120 'git -c core.untrackedCache=true status && git update-index --test-untracked-cache'
    step 150 'git -c core.preloadIndex=true -c index.threads=4 update-index --refresh'
    step 200 'cat numbers | git hash-object --stdin -w && git replace HEAD HEAD~1'
    step 250 'chmod 0 numbers && git update-index --really-refresh && chmod 644 numbers'
}
export -f session

for run in $(seq "$runs"); do
    mkdir -p "$work/$run/repository" && cd "$work/$run/repository"
    timeout 60 strace -f -qq -o "$work/trace" bash -c "session $run" > "$work/said" 2>&1 < /dev/null || true
    sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$work/trace" | sort -u > "$work/$run.calls"
    cd "$work" && rm -rf "${work:?}/$run"
done
cat "$work"/*.calls | sort | uniq -c | awk -v n="$runs" '$1 == n { print $2 }' | sort > "$work/all"
for run in $(seq "$runs"); do
    comm -23 "$work/$run.calls" "$work/all" | paste -sd ' '
done
