/* storm: 10,000 short processes, as many at a time as there are lanes. Each calls getppid; each
 * of the harmless calls below is made, with senseless arguments, by exactly one of them.
 * storm list: the numbers of those calls, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 10000, LANES = 4, LAST = 448 };

/* Calls that end, block, clone, kill or change the machine even with senseless arguments. */
static int harmless(long number)
{
	static const long not[] = {
		SYS_pause, SYS_rt_sigreturn, SYS_clone, SYS_fork, SYS_vfork, SYS_exit, SYS_kill,
		SYS_msgget, SYS_semget, SYS_shmget, SYS_vhangup, SYS_sync, SYS_reboot, SYS_alarm,
		SYS_exit_group, SYS_clone3, SYS_swapoff, SYS_tkill, SYS_tgkill, SYS_ioperm,
		SYS_iopl, SYS_rt_sigsuspend, SYS_ptrace, SYS_personality, SYS_syslog,
		/* The open filter answers this one instead of the kernel. */
		SYS_io_uring_setup,
	};
	/* 335 to 423 is a hole in the table. */
	if (number > 334 && number < 424)
		return 0;
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (not[i] == number)
			return 0;
	return 1;
}

static int collect(long *calls)
{
	int count = 0;
	for (long number = 0; number <= LAST; number++)
		if (harmless(number))
			calls[count++] = number;
	return count;
}

int main(int argc, char **argv)
{
	long calls[LAST + 1];
	int count = collect(calls);
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (int i = 0; i < count; i++)
			printf("%ld\n", calls[i]);
		return 0;
	}
	int stride = PROCESSES / count;
	for (int lane = 0; lane < LANES; lane++) {
		if (fork() != 0)
			continue;
		for (int i = lane; i < PROCESSES; i += LANES) {
			pid_t child = fork();
			if (child < 0)
				_exit(1);
			if (child == 0) {
				syscall(SYS_getppid);
				if (i % stride == 0 && i / stride < count)
					syscall(calls[i / stride], -1L, -1L, -1L, -1L, -1L, -1L);
				_exit(0);
			}
			waitpid(child, NULL, 0);
		}
		_exit(0);
	}
	int failed = 0, status;
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
