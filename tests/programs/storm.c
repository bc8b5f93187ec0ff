/* storm: 10,000 short processes, as many at a time as there are lanes. Each calls getppid; each
 * of the harmless calls below is made, with senseless arguments, by exactly one of them.
 * storm list: the numbers of those calls, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harmless.h"

enum { PROCESSES = 10000, LANES = 4 };

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
