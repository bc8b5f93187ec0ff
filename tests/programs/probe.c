/* Tries what a profile must refuse and prints each errno, 0 where the call went through.
 *
 * The arguments are such that, without a filter, the kernel answers something other than EPERM
 * (root with all capabilities): so an EPERM is the filter's, for a raw socket that or a dropped
 * capability's. Each line is one write, because a
 * stream might need calls that the profile does not have. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char *name, long result)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%s %d\n", name, result == -1 ? errno : 0);
	(void)!write(1, line, length);
}

int main(void)
{
	/* Nothing to unshare: always allowed. */
	tell("unshare", syscall(SYS_unshare, 0));
	/* EFAULT: the target is no address. */
	tell("mount", syscall(SYS_mount, "none", 8, "tmpfs", 0, NULL));
	/* Asks to be traced by the parent: always allowed. */
	tell("ptrace", syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL));
	/* E2BIG: more attributes than a page. */
	tell("bpf", syscall(SYS_bpf, 0, NULL, 1 << 20));
	tell("raw", syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP));
	return 0;
}
