/* repeat NUMBER…: makes each of these calls, with senseless arguments, every 10 ms until it is
 * ended. repeat -t NUMBER…: in a thread, and the main thread ends. Beside them it makes nothing
 * but clock_nanosleep. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char **numbers;

static void *work(void *unused)
{
	for (;;) {
		for (char **number = numbers; *number; number++)
			syscall(atol(*number), -1L, -1L, -1L, -1L, -1L, -1L);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return unused;
}

int main(int argc, char **argv)
{
	numbers = argv + 1;
	if (argc > 1 && strcmp(argv[1], "-t") == 0) {
		numbers++;
		pthread_t thread;
		if (pthread_create(&thread, NULL, work, NULL) != 0)
			return 1;
		pthread_exit(NULL);
	}
	work(NULL);
}
