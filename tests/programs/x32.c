/* Calls of the x32 ABI, by their numbers: two that x86_64 has too, one of x32's own, one past the
 * end. Prints each errno: a kernel without x32 answers ENOSYS (38), but they enter all the same. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in <asm/unistd.h>; glibc's has no name for it. */
#define X32_BIT 0x40000000

static void tell(const char *name, long number)
{
	long result = syscall(X32_BIT | number, -1L, -1L, -1L, -1L, -1L, -1L);
	printf("%s %d\n", name, result == -1 ? errno : 0);
}

int main(void)
{
	tell("getppid", SYS_getppid);
	tell("socket", SYS_socket);
	tell("sigaltstack", 525);
	tell("600", 600);
	return 0;
}
