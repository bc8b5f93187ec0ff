/* chain GO: a chain of processes, each of which forks the next one and ends, as fast as it goes.
 * Once the file GO is there, each of the harmless calls that `storm list` names is made, with
 * senseless arguments, by exactly one link; the last link ends the chain. The first process only
 * reaps. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harmless.h"

static void link_of(const char *go, const long *calls, int count)
{
	int made = -1;
	for (;;) {
		if (made < 0 && access(go, F_OK) == 0)
			made = 0;
		long call = made < 0 ? SYS_getpid : calls[made++];
		pid_t next = made == count ? 1 : fork();
		if (next < 0)
			_exit(1);
		if (next != 0) {
			syscall(call, -1L, -1L, -1L, -1L, -1L, -1L);
			_exit(0);
		}
	}
}

int main(int argc, char **argv)
{
	static long calls[LAST + 1];
	int count = collect(calls);
	if (argc != 2)
		return 2;
	/* Whoever else reaps orphans may be slow at it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0)
		link_of(argv[1], calls, count);
	int failed = 0, status;
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
