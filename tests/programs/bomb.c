/* bomb NUMBER: forks so often, and says how it ended where a fork is refused. Its children spin,
 * for which no profile has to allow a call, until their container is removed. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: bomb NUMBER\n", stderr);
		return 2;
	}
	for (int i = 0; i < atoi(argv[1]); i++) {
		pid_t child = fork();
		if (child < 0) {
			perror("fork");
			return 1;
		}
		if (child == 0)
			for (;;)
				;
	}
	return 0;
}
