/* A bit of everything: files, memory, time, signals, a pipe, a poll. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static void on_alarm(int signal)
{
	(void)signal;
}

int main(void)
{
	struct stat info;
	struct utsname name;
	char buffer[64];
	int ends[2];

	stat("/etc/passwd", &info);
	uname(&name);
	int fd = open("/etc/passwd", O_RDONLY);
	(void)!read(fd, buffer, sizeof(buffer));
	lseek(fd, 0, SEEK_SET);
	(void)!pread(fd, buffer, sizeof(buffer), 1);
	close(fd);
	void *memory = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(memory, 4096, PROT_READ | PROT_WRITE);
	munmap(memory, 1 << 20);
	(void)!getrandom(buffer, sizeof(buffer), 0);
	(void)!pipe2(ends, O_CLOEXEC);
	struct pollfd waiting = {.fd = ends[0], .events = POLLIN};
	poll(&waiting, 1, 1);
	/* The handler makes the kernel's own way back: rt_sigreturn. */
	signal(SIGALRM, on_alarm);
	raise(SIGALRM);
	umask(022);
	(void)!getcwd(buffer, sizeof(buffer));
	(void)!access("/nonexistent", R_OK);
	/* Refused (there is no such context), and recorded all the same. */
	syscall(SYS_io_cancel, 0, NULL, NULL);
	return 0;
}
