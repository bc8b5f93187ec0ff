/* forms: calls that are many, each once, and its errno, 0 where it went through.
 *   forms harmless  as anybody makes them
 *   forms attack    as an attack does; none of these is answered EPERM to root without a filter
 * Both ways make the same calls. Each line is one write: a stream might need others. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, long result)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%s %d\n", name, result == -1 ? errno : 0);
	(void)!write(1, line, length);
}

static long child(unsigned long namespaces)
{
	long pid = syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return pid == -1 ? pid : waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	int attack = argc == 2 && strcmp(argv[1], "attack") == 0;
	char buffer[64] = "";

	tell("clone", child(attack ? CLONE_NEWUSER : 0));
	/* Bound to no protocol, it receives nothing. */
	tell("socket", syscall(SYS_socket, attack ? AF_PACKET : AF_UNIX, SOCK_DGRAM, 0));
	/* ENOTTY: stdin is no terminal. */
	tell("ioctl", syscall(SYS_ioctl, 0, attack ? TIOCSTI : TCGETS, buffer));
	tell("personality", syscall(SYS_personality, attack ? ADDR_NO_RANDOMIZE : PER_LINUX));
	return 0;
}
