/* Calls that the i386 table has and the x86_64 table lacks, or numbers otherwise. No socketcall
 * and no ipc: strace shows those by what they multiplex. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	syscall(SYS_time, NULL);
	syscall(SYS_getuid);
	syscall(SYS_getuid32);
	syscall(SYS_stime, NULL);
	syscall(SYS_getpid);
	syscall(SYS__llseek, 0, 0, 0, NULL, SEEK_CUR);
	long fd = syscall(SYS_open, "/dev/null", O_WRONLY);
	syscall(SYS_write, fd, "x", 1);
	syscall(SYS_close, fd);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	syscall(SYS_clock_gettime64, CLOCK_MONOTONIC, &now);
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();
	if (child == 0) {
		syscall(SYS_olduname, NULL);
		_exit(0);
	}
	return syscall(SYS_waitpid, child, NULL, 0) == child ? 0 : 1;
}
