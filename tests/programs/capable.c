/* capable NAME: does one thing that needs CAP_NAME and no other capability. Exits 0 where the
 * kernel let it and 1 where it did not. It leaves the machine as it was.
 *
 * capable user: becomes user 1, groups and all. capable securebits: needs SETPCAP too. capable ping,
 * capable key: what looks like a privilege and is none.
 *
 * It runs as root and as process 1: what it leaves running goes with it. /data is a fresh folder:
 *   own       root's
 *   foreign   root's, of group 1
 *   others    of user 1, readable
 *   closed    of user 1, mode 0
 *   other     this program, of user 1 and set-user-ID
 * tests/containers/capabilities.rs makes it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { OTHER = 1, SEMAPHORES = 1 };

/* For calls whose arguments make no sense: the kernel asks for the capability before it looks at
 * them, so this errno says that it was granted, and nothing has happened. */
static int senseless(long result, int expected)
{
	return result == -1 && errno == expected ? 0 : -1;
}

/* Says so, and stays until its parent has gone. */
static _Noreturn void ready(void)
{
	char byte;
	(void)!write(STDOUT_FILENO, "", 1);
	(void)!read(STDIN_FILENO, &byte, 1);
	_exit(0);
}

/* A child that has done its task and waits. It waits in a call that its parent makes too: which of
 * two comes first decides nothing then, not even whether a filter knows the call. */
static pid_t child(void (*task)(void))
{
	int ends[2];
	char byte;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		dup2(ends[1], STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		task();
		ready();
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &byte, 1) != 1) {
		errno = ECHILD;
		return -1;
	}
	return pid;
}

static void hide(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

/* To become another user takes a capability, or a set-user-ID file. */
static void become_other(void)
{
	execl("/data/other", "capable", "other", NULL);
	perror("capable: /data/other");
	_exit(1);
}

static int other(void)
{
	/* The real user id too: until then it can be killed by whom it was. */
	if (setreuid(OTHER, OTHER) != 0 || semget(SEMAPHORES, 1, IPC_CREAT | 0600) < 0)
		return -1;
	ready();
}

static int cap_chown(void)
{
	return chown("/data/own", OTHER, -1);
}

static int cap_dac_override(void)
{
	return open("/data/closed", O_WRONLY) < 0 ? -1 : 0;
}

static int cap_dac_read_search(void)
{
	return open("/data/closed", O_RDONLY) < 0 ? -1 : 0;
}

static int cap_fowner(void)
{
	return chmod("/data/others", 0600);
}

/* Without it chmod succeeds, and leaves the bit out. */
static int cap_fsetid(void)
{
	struct stat status;
	if (chmod("/data/foreign", 02755) != 0 || stat("/data/foreign", &status) != 0)
		return -1;
	errno = EPERM;
	return status.st_mode & S_ISGID ? 0 : -1;
}

static int cap_kill(void)
{
	pid_t pid = child(become_other);
	return pid < 0 ? -1 : kill(pid, 0);
}

static int cap_setgid(void)
{
	return setgid(OTHER);
}

static int cap_setuid(void)
{
	return setuid(OTHER);
}

static int cap_setpcap(void)
{
	return prctl(PR_CAPBSET_DROP, CAP_AUDIT_READ, 0, 0, 0);
}

static int cap_linux_immutable(void)
{
	int file = open("/data/own", O_RDONLY), flags;
	if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &flags) != 0)
		return -1;
	flags |= FS_APPEND_FL;
	if (ioctl(file, FS_IOC_SETFLAGS, &flags) != 0)
		return -1;
	/* Or nobody could remove it. */
	flags &= ~FS_APPEND_FL;
	return ioctl(file, FS_IOC_SETFLAGS, &flags);
}

static int cap_net_bind_service(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
	int endpoint = socket(AF_INET, SOCK_STREAM, 0);
	return bind(endpoint, (struct sockaddr *)&address, sizeof(address));
}

static int cap_net_admin(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_mtu = 1500 };
	return ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFMTU, &request);
}

static int cap_net_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 ? -1 : 0;
}

static int cap_ipc_lock(void)
{
	static char page[4096];
	struct rlimit none = { 0, 0 };
	return setrlimit(RLIMIT_MEMLOCK, &none) != 0 ? -1 : mlock(page, sizeof(page));
}

static int cap_ipc_owner(void)
{
	return child(become_other) < 0 || semget(SEMAPHORES, 1, 0600) < 0 ? -1 : 0;
}

/* Below vm.mmap_min_addr. */
static int cap_sys_rawio(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return page == MAP_FAILED ? -1 : 0;
}

/* Of a module that there is not. */
static int cap_sys_module(void)
{
	return senseless(syscall(SYS_delete_module, "capable", O_NONBLOCK), ENOENT);
}

static int cap_sys_chroot(void)
{
	return chroot("/data");
}

static int cap_sys_ptrace(void)
{
	pid_t pid = child(hide);
	return pid < 0 ? -1 : ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

static int cap_sys_pacct(void)
{
	return senseless(syscall(SYS_acct, "/data/missing"), ENOENT);
}

static int cap_sys_admin(void)
{
	return sethostname("capable", 7);
}

/* Without the magic numbers. */
static int cap_sys_boot(void)
{
	return senseless(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);
}

static int cap_sys_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -5);
}

static int cap_sys_resource(void)
{
	struct rlimit none = { 0, 0 }, more = { 1, 1 };
	return setrlimit(RLIMIT_CORE, &none) != 0 ? -1 : setrlimit(RLIMIT_CORE, &more);
}

/* Ticks of no length. */
static int cap_sys_time(void)
{
	struct timex clock = { .modes = ADJ_TICK, .tick = 0 };
	return senseless(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &clock), EINVAL);
}

/* It has no terminal to hang up. */
static int cap_sys_tty_config(void)
{
	return vhangup();
}

static int cap_mknod(void)
{
	return mknod("/data/null", S_IFCHR | 0600, makedev(1, 3));
}

static int cap_lease(void)
{
	return fcntl(open("/data/others", O_RDONLY), F_SETLEASE, F_RDLCK);
}

static int audit_send(int endpoint, struct nlmsghdr *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr result;
		char rest[512];
	} answer;
	if (send(endpoint, request, request->nlmsg_len, 0) < 0 ||
	    recv(endpoint, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.result)))
		return -1;
	errno = -answer.result.error;
	return answer.result.error == 0 ? 0 : -1;
}

static int cap_audit_write(void)
{
	struct {
		struct nlmsghdr header;
		char text[8];
	} request = {
		{ sizeof(request), AUDIT_USER, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		"capable",
	};
	return audit_send(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), &request.header);
}

/* Setting the login id is free, changing it is not. */
static int cap_audit_control(void)
{
	for (int times = 0; times < 2; times++) {
		int file = open("/proc/self/loginuid", O_WRONLY);
		if (write(file, "0", 1) != 1)
			return -1;
		close(file);
	}
	return 0;
}

static int cap_audit_read(void)
{
	struct sockaddr_nl log = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int endpoint = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
	return bind(endpoint, (struct sockaddr *)&log, sizeof(log));
}

static int cap_setfcap(void)
{
	struct vfs_cap_data none = { .magic_etc = VFS_CAP_REVISION_2 };
	return setxattr("/data/own", "security.capability", &none, XATTR_CAPS_SZ_2, 0);
}

/* AppArmor's policy, of which this is none. */
static int cap_mac_admin(void)
{
	int file = open("/sys/kernel/security/apparmor/.load", O_WRONLY);
	return file < 0 ? -1 : senseless(write(file, "capable", 7), EPROTONOSUPPORT);
}

enum { SYSLOG_ACTION_SIZE_UNREAD = 9 };

static int cap_syslog(void)
{
	return klogctl(SYSLOG_ACTION_SIZE_UNREAD, NULL, 0) < 0 ? -1 : 0;
}

static int cap_wake_alarm(void)
{
	return timerfd_create(CLOCK_REALTIME_ALARM, 0) < 0 ? -1 : 0;
}

/* A kind of map that nobody else may make, whatever kernel.unprivileged_bpf_disabled says. */
static int cap_bpf(void)
{
	union bpf_attr queue = { .map_type = BPF_MAP_TYPE_QUEUE, .value_size = 4, .max_entries = 1 };
	return syscall(SYS_bpf, BPF_MAP_CREATE, &queue, sizeof(queue)) < 0 ? -1 : 0;
}

/* Of a whole processor, the kernel with it. */
static int cap_perfmon(void)
{
	struct perf_event_attr clock = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(clock), .config = PERF_COUNT_SW_CPU_CLOCK,
	};
	return syscall(SYS_perf_event_open, &clock, -1, 0, -1, 0) < 0 ? -1 : 0;
}

/* To follow the links to what is mapped, which go round the permissions of the path. */
static int cap_checkpoint_restore(void)
{
	DIR *files = opendir("/proc/self/map_files");
	struct dirent *entry;
	do
		entry = readdir(files);
	while (entry != NULL && entry->d_name[0] == '.');
	return entry == NULL || openat(dirfd(files), entry->d_name, O_RDONLY) < 0 ? -1 : 0;
}

/* Refused by Docker's default filter, not by any capability. */
static int key(void)
{
	enum { PROCESS_KEYRING = -2 };
	return syscall(SYS_add_key, "user", "capable", "1", 1, PROCESS_KEYRING) < 0 ? -1 : 0;
}

/* By the ping group. */
static int ping(void)
{
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 ? -1 : 0;
}

/* Asked for by commoncap itself. */
static int securebits(void)
{
	return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
}

static int user(void)
{
	return setgroups(0, NULL) != 0 || setgid(OTHER) != 0 || setuid(OTHER) != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*does)(void);
	} all[] = {
		{ "CHOWN", cap_chown },
		{ "DAC_OVERRIDE", cap_dac_override },
		{ "DAC_READ_SEARCH", cap_dac_read_search },
		{ "FOWNER", cap_fowner },
		{ "FSETID", cap_fsetid },
		{ "KILL", cap_kill },
		{ "SETGID", cap_setgid },
		{ "SETUID", cap_setuid },
		{ "SETPCAP", cap_setpcap },
		{ "LINUX_IMMUTABLE", cap_linux_immutable },
		{ "NET_BIND_SERVICE", cap_net_bind_service },
		{ "NET_ADMIN", cap_net_admin },
		{ "NET_RAW", cap_net_raw },
		{ "IPC_LOCK", cap_ipc_lock },
		{ "IPC_OWNER", cap_ipc_owner },
		{ "SYS_RAWIO", cap_sys_rawio },
		{ "SYS_MODULE", cap_sys_module },
		{ "SYS_CHROOT", cap_sys_chroot },
		{ "SYS_PTRACE", cap_sys_ptrace },
		{ "SYS_PACCT", cap_sys_pacct },
		{ "SYS_ADMIN", cap_sys_admin },
		{ "SYS_BOOT", cap_sys_boot },
		{ "SYS_NICE", cap_sys_nice },
		{ "SYS_RESOURCE", cap_sys_resource },
		{ "SYS_TIME", cap_sys_time },
		{ "SYS_TTY_CONFIG", cap_sys_tty_config },
		{ "MKNOD", cap_mknod },
		{ "LEASE", cap_lease },
		{ "AUDIT_WRITE", cap_audit_write },
		{ "AUDIT_CONTROL", cap_audit_control },
		{ "SETFCAP", cap_setfcap },
		{ "MAC_ADMIN", cap_mac_admin },
		{ "SYSLOG", cap_syslog },
		{ "WAKE_ALARM", cap_wake_alarm },
		{ "AUDIT_READ", cap_audit_read },
		{ "PERFMON", cap_perfmon },
		{ "BPF", cap_bpf },
		{ "CHECKPOINT_RESTORE", cap_checkpoint_restore },
		{ "other", other },
		{ "key", key },
		{ "ping", ping },
		{ "securebits", securebits },
		{ "user", user },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (argc != 2 || strcmp(argv[1], all[i].name) != 0)
			continue;
		if (all[i].does() == 0)
			return 0;
		fprintf(stderr, "capable: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fputs("usage: capable NAME\n", stderr);
	return 2;
}
