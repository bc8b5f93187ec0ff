/* Calls sysinfo, then takes memory until it is killed; gives up at 512 MiB, lest the machine die in
 * its place. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEP = 1 << 20, STEPS = 512 };

int main(void)
{
	syscall(SYS_sysinfo, NULL);
	for (int i = 0; i < STEPS; i++) {
		char *memory = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			break;
		/* Not zero: pages of zeroes can be had without memory. */
		memset(memory, 0x5a, STEP);
	}
	fprintf(stderr, "oom: nobody killed it: limit its memory (docker run --memory 32m)\n");
	return 1;
}
