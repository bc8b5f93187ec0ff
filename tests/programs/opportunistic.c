/* opportunistic: makes the kernel ask, on its own account, for capabilities that nothing depends
 * on. Each is named beside what asks for it. Exits 0 where all went through, and tells what did
 * not. Runs as root; /data is a folder on a disk, with a file `own` in it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* SYS_ADMIN */
static int map(void)
{
	for (int times = 0; times < 64; times++) {
		size_t size = 1 << 20;
		char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED || munmap(memory, size) != 0 || sbrk(4096) == (void *)-1)
			return -1;
	}
	return 0;
}

/* SYS_ADMIN */
static int spawn(void)
{
	int status;
	for (int times = 0; times < 16; times++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			return -1;
	}
	return 0;
}

static int read_file(const char *path)
{
	char text[64];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(file, text, sizeof(text));
	close(file);
	return length > 0 ? 0 : -1;
}

/* SYS_PTRACE, of a process that cannot be dumped */
static int look_at_hidden(void)
{
	char path[32], byte;
	int ends[2], status;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(ends[1], "", 1);
		/* Until it has been looked at. */
		(void)!read(ends[1], &byte, 1);
		_exit(0);
	}
	close(ends[1]);
	int result = -1;
	if (pid > 0 && read(ends[0], &byte, 1) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		result = read_file(path);
	}
	close(ends[0]);
	return waitpid(pid, &status, 0) == pid ? result : -1;
}

/* SYSLOG */
static int read_symbols(void)
{
	return read_file("/proc/kallsyms");
}

/* SYS_ADMIN, for the page's frame */
static int read_pagemap(void)
{
	return read_file("/proc/self/pagemap");
}

/* NET_ADMIN */
static int read_net_sysctl(void)
{
	return read_file("/proc/sys/net/ipv4/ip_forward");
}

/* SYS_RESOURCE */
static int read_user_sysctl(void)
{
	return read_file("/proc/sys/user/max_user_namespaces");
}

/* SYS_ADMIN, on a disk and in memory */
static int list_attributes(void)
{
	return listxattr("/data/own", NULL, 0) < 0 || listxattr("/dev/shm", NULL, 0) < 0 ? -1 : 0;
}

/* SYS_RESOURCE */
static int be_killed_first(void)
{
	int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	return write(file, "500", 3) == 3 ? 0 : -1;
}

/* BLOCK_SUSPEND */
static int keep_awake(void)
{
	int wait[2], epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLWAKEUP };
	return pipe(wait) != 0 ? -1 : epoll_ctl(epoll, EPOLL_CTL_ADD, wait[0], &event);
}

/* SETPCAP */
static int set_own_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	return syscall(SYS_capget, &header, data) != 0 ? -1 : syscall(SYS_capset, &header, data);
}

/* SYS_ADMIN, for whether the compiled filter gets a barrier */
static int filter_packets(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, -1);
	struct sock_fprog program = { 1, &all };
	int endpoint = socket(AF_INET, SOCK_DGRAM, 0);
	return setsockopt(endpoint, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* DAC_OVERRIDE, as where a shell says > /dev/stdout; of a descriptor that nobody has looked up */
static int reopen(void)
{
	char path[32];
	int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	snprintf(path, sizeof(path), "/dev/fd/%d", output);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) < 0 ? -1 : 0;
}

int main(void)
{
	static const struct {
		const char *name;
		int (*does)(void);
	} all[] = {
		{ "map", map },
		{ "spawn", spawn },
		{ "look_at_hidden", look_at_hidden },
		{ "read_symbols", read_symbols },
		{ "read_pagemap", read_pagemap },
		{ "read_net_sysctl", read_net_sysctl },
		{ "read_user_sysctl", read_user_sysctl },
		{ "list_attributes", list_attributes },
		{ "be_killed_first", be_killed_first },
		{ "keep_awake", keep_awake },
		{ "set_own_capabilities", set_own_capabilities },
		{ "filter_packets", filter_packets },
		{ "reopen", reopen },
	};
	int failed = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].does() == 0)
			continue;
		fprintf(stderr, "opportunistic: %s: %s\n", all[i].name, strerror(errno));
		failed = 1;
	}
	return failed;
}
