/* Loads a filter of its own that answers getppid with EPERM, then calls it every 20 ms until it is
 * ended. Meanwhile other threads wait in calls that the filter lets pass, each in another (read,
 * epoll_wait, futex), and short ones come and go. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int ends[2], event, poll;
static int word;

static void nap(long ms)
{
	clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void *reads(void *unused)
{
	char byte;
	while (read(ends[0], &byte, 1) == 1)
		;
	return unused;
}

static void *polls(void *unused)
{
	struct epoll_event ready;
	eventfd_t value;
	while (epoll_wait(poll, &ready, 1, -1) == 1)
		eventfd_read(event, &value);
	return unused;
}

static void *waits(void *unused)
{
	for (;;)
		syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL);
	return unused;
}

static void *naps(void *unused)
{
	nap(1);
	return unused;
}

static void *comes_and_goes(void *unused)
{
	for (;;) {
		pthread_t threads[4];
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, naps, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	return unused;
}

static int load_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(void)
{
	void *(*const work[])(void *) = { reads, polls, waits, comes_and_goes };
	if (!load_filter() || pipe(ends) != 0)
		return 1;
	event = eventfd(0, 0);
	poll = epoll_create1(0);
	epoll_ctl(poll, EPOLL_CTL_ADD, event, &(struct epoll_event){.events = EPOLLIN});
	for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, work[i], NULL) != 0)
			return 1;
	}
	for (;;) {
		if (syscall(SYS_getppid) != -1 || errno != EPERM)
			return 1;
		(void)!write(ends[1], "x", 1);
		eventfd_write(event, 1);
		syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1);
		nap(20);
	}
}
