/* Tells whether its exec gained privileges: what the kernel says in AT_SECURE. */
#include <stdio.h>
#include <sys/auxv.h>

int main(void) {
	printf("%lu\n", getauxval(AT_SECURE));
	return 0;
}
