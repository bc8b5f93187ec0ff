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
busybox ip link set lo up

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
for hook in fexit tp_btf kprobe; do
    export PROFILER_CAPABILITY_HOOK=$hook/cap_capable
    step record-$hook profiler record -o /out/$hook.json -- busybox sh /work.sh
    step capabilities-$hook profiler generate /out/$hook.json --format capabilities
done

# NUMBER NAME, and what needs it where that is called otherwise: those that not every engine can give,
# and those that commoncap asks for without a word to other modules.
needs() {
    step record-"$2" profiler record -o /out/"$2".json -- /programs/capable "${3:-$2}"
    step capabilities-"$2" profiler generate /out/"$2".json --format capabilities
    step alone-"$2" /programs/only "$1" /programs/capable "${3:-$2}"
    step without-"$2" /programs/only -1 /programs/capable "${3:-$2}"
}
unset PROFILER_CAPABILITY_HOOK
needs 8 SETPCAP securebits
needs 16 SYS_MODULE
needs 17 SYS_RAWIO
needs 24 SYS_RESOURCE
needs 33 MAC_ADMIN

busybox stty raw -F /dev/ttyS1
busybox tar -cf /dev/ttyS1 -C /out .
busybox sync
busybox poweroff -f
