/* call NUMBER…: makes each of these calls with zeroes for arguments, and prints its errno, 0 where
 * it went through. Each line is one write, because a stream might need other calls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[64];

	for (int i = 1; i < argc; i++) {
		errno = 0;
		syscall(atol(argv[i]), 0, 0, 0, 0, 0, 0);
		int length = snprintf(line, sizeof line, "%s %d\n", argv[i], errno);
		if (write(1, line, length) != length)
			return 1;
	}
	return 0;
}
