#!/bin/busybox sh
# What is recorded, in the VM and on this machine: PROGRAMS is where the tests' programs lie.
# Static programs only, so that both make the same calls.
set -e
folder=$(busybox mktemp -d)
cd "$folder"

echo text >file
busybox chown 1:1 file # CAP_CHOWN
busybox ln -s file link
busybox readlink link
busybox cat file | busybox wc -c
busybox chroot / /bin/busybox true # CAP_SYS_CHROOT
busybox head -c 1 /proc/kallsyms >head # CAP_SYSLOG, without a word to the audit log

# The i386 ABI, and numbers that no table has.
"$PROGRAMS/i386"
"$PROGRAMS/stray"

# Ports below 1024, asked for by each ABI, and for i386 in both of its ways.
"$PROGRAMS/port" 1001 bind
"$PROGRAMS/port" 1002 x32
"$PROGRAMS/port-i386" 1003 bind
"$PROGRAMS/port-i386" 1004 socketcall

# A cgroup below the watched one, and calls that are made nowhere but in it.
unified=$(busybox awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=$(busybox sed -n 's/^0:://p' /proc/self/cgroup)
below=$unified$own/below
busybox mkdir "$below"
busybox sh -c 'echo 0 >"$0/cgroup.procs"; busybox sync' "$below"
busybox rmdir "$below"

cd /
busybox rm -r "$folder"
