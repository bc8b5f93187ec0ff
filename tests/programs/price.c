/* price MIX MILLISECONDS: makes the calls of the mix for that long; prints the nanoseconds that one
 * took in the median batch. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 64, BATCHES = 1 << 16 };

static int zero, null;
static char byte;

static int getppid_alone(void)
{
	syscall(SYS_getppid);
	return 1;
}

static int eight(void)
{
	syscall(SYS_getppid);
	syscall(SYS_getuid);
	syscall(SYS_getgid);
	syscall(SYS_gettid);
	syscall(SYS_close, -1);
	syscall(SYS_lseek, -1, 0, 0);
	syscall(SYS_getpgid, 0);
	syscall(SYS_umask, 022);
	return 8;
}

static int read_and_write(void)
{
	syscall(SYS_read, zero, &byte, 1);
	syscall(SYS_write, null, &byte, 1);
	return 2;
}

/* Their arguments are noted. */
static int with_arguments(void)
{
	syscall(SYS_ioctl, null, FIONREAD, 0);
	syscall(SYS_fcntl, null, F_GETFD, 0);
	syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
	return 3;
}

/* Asks which it is. */
static int personality_alone(void)
{
	syscall(SYS_personality, 0xffffffff);
	return 1;
}

/* The kernel asks for a capability before it looks at the length. */
static int asking_for_capabilities(void)
{
	syscall(SYS_sethostname, 0, -1);
	return 1;
}

static const struct {
	const char *name;
	int (*calls)(void);
} mixes[] = {
	{ "getppid", getppid_alone },
	{ "eight", eight },
	{ "read-write", read_and_write },
	{ "arguments", with_arguments },
	{ "personality", personality_alone },
	{ "capability", asking_for_capabilities },
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int by_size(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;
	return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
	static double batches[BATCHES];
	int (*calls)(void) = NULL;
	for (size_t i = 0; argc == 3 && i < sizeof(mixes) / sizeof(*mixes); i++)
		if (strcmp(argv[1], mixes[i].name) == 0)
			calls = mixes[i].calls;
	if (!calls)
		return 2;
	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	if (zero < 0 || null < 0)
		return 1;
	/* First sights cost more, once. */
	calls();
	double end = now() + atof(argv[2]) * 1e6;
	size_t count = 0;
	while (count < BATCHES) {
		int made = 0;
		double begin = now();
		for (int round = 0; round < ROUNDS; round++)
			made += calls();
		double after = now();
		batches[count++] = (after - begin) / made;
		if (after >= end)
			break;
	}
	qsort(batches, count, sizeof(*batches), by_size);
	printf("%.2f\n", batches[count / 2]);
	return 0;
}
