/* Numbers past the ends of the table, and past those of the set that they are kept in; each is
 * answered ENOSYS. `stray` has the first ones. beyond COUNT: so many more of them, from 10000 on. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int refused(long number)
{
	return syscall(number) == -1 && errno == ENOSYS;
}

int main(int argc, char **argv)
{
	static const long numbers[] = { 1023, 1024, 5000, -2, 0x3fffffff };
	long more = argc > 1 ? atol(argv[1]) : 0;
	int failed = 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		failed |= !refused(numbers[i]);
	for (long i = 0; i < more; i++)
		failed |= !refused(10000 + i);
	return failed;
}
