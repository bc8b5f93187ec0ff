/* arguments: calls that are made with different arguments, for whoever notes those.
 *   arguments          some of each, with rubbish above the 32 bits that the kernel looks at
 *   arguments many N   N different ones of socket, besides
 *   arguments storm N  the same N by eight threads, each again and again in an order of its own, and
 *                      as many of ioctl and fcntl, of which one argument counts
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, TIMES = 200 };

/* As libcs leave it in the upper half of a 64-bit register. */
static long rubbish(unsigned value)
{
	return (long)((uint64_t)0xdeadbeef << 32 | value);
}

static void endpoint(int domain, unsigned type, int protocol)
{
	close(syscall(SYS_socket, rubbish(domain), rubbish(type), rubbish(protocol)));
}

static void child(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void some(void)
{
	endpoint(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	endpoint(AF_UNIX, SOCK_DGRAM, 0);
	/* The protocol counts of a netlink socket, not of these. */
	endpoint(AF_INET, SOCK_DGRAM, 0);
	endpoint(AF_INET, SOCK_DGRAM, 17);
	endpoint(AF_NETLINK, SOCK_RAW, 0);
	endpoint(AF_NETLINK, SOCK_RAW, 9);
	child(0);
	child(CLONE_NEWUTS);
	static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC };
	for (size_t i = 0; i < sizeof(protections) / sizeof(*protections); i++)
		mmap(NULL, 4096, protections[i], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#ifdef __i386__
	/* One pointer to all of its arguments. */
	struct { unsigned long address, length, protection, flags, file, offset; } all = {
		0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1UL, 0 };
	syscall(SYS_mmap, &all);
#endif
}

/* No such domain: refused at once. */
static void unheard_of(unsigned number)
{
	syscall(SYS_socket, 1000 + number, 0, 0);
}

/* Of no descriptor. */
static void of_nothing(unsigned number)
{
	syscall(SYS_ioctl, -1, rubbish(1000 + number), 0);
	syscall(SYS_fcntl, -1, rubbish(1000 + number), 0);
}

static int count;
static pthread_barrier_t together;

static void *each(void *number)
{
	int first = (int)(intptr_t)number * count / THREADS;
	pthread_barrier_wait(&together);
	for (int time = 0; time < TIMES; time++)
		for (int i = 0; i < count; i++) {
			unheard_of((first + i) % count);
			of_nothing((first + i) % count);
		}
	return NULL;
}

int main(int argc, char **argv)
{
	count = argc == 3 ? atoi(argv[2]) : 0;
	some();
	if (argc == 3 && strcmp(argv[1], "many") == 0)
		for (int i = 0; i < count; i++)
			unheard_of(i);
	if (argc == 3 && strcmp(argv[1], "storm") == 0) {
		pthread_t threads[THREADS];
		pthread_barrier_init(&together, NULL, THREADS);
		for (intptr_t i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, each, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}
