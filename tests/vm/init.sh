#!/bin/busybox sh
# Process 1 of the VM. What each step says and how it ends goes into /out, which leaves as a tar by
# the second serial port; the console is for people. What must be in there: xtask/src/vm/checks.rs.
export PATH=/bin PROGRAMS=/programs HOME=/ TMPDIR=/tmp
mount() { busybox mount -t "$1" "$1" "$2"; }
busybox mkdir -p /proc /sys /dev /tmp /out
mount proc /proc
mount sysfs /sys
mount devtmpfs /dev
mount cgroup2 /sys/fs/cgroup
mount bpf /sys/fs/bpf
mount securityfs /sys/kernel/security
mount debugfs /sys/kernel/debug
mount tracefs /sys/kernel/tracing

# NAME COMMAND…
step() {
    name=$1
    shift
    echo "vm: $name"
    "$@" >/out/"$name".stdout 2>/out/"$name".stderr </dev/null
    echo $? >/out/"$name".code
}

step release busybox uname -r
step lockdown busybox cat /sys/kernel/security/lockdown
step record profiler record -o /out/recording.json -- busybox sh /work.sh
step generate profiler generate /out/recording.json -o /out/profile.json
step capabilities profiler generate /out/recording.json --format capabilities
# Each capability hook for itself.
for hook in tp_btf kprobe; do
    export PROFILER_CAPABILITY_HOOK=$hook/cap_capable
    step record-$hook profiler record -o /out/$hook.json -- busybox sh /work.sh
    step capabilities-$hook profiler generate /out/$hook.json --format capabilities
done

busybox stty raw -F /dev/ttyS1
busybox tar -cf /dev/ttyS1 -C /out .
busybox sync
busybox poweroff -f
