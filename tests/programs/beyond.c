/* Numbers past the ends of the table, and past those of the set that they are kept in; each is
 * answered ENOSYS. `stray` has the first ones. */
#include <errno.h>
#include <unistd.h>

int main(void)
{
	static const long numbers[] = { 1023, 1024, 5000, -2, 0x3fffffff };
	int failed = 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		failed |= syscall(numbers[i]) != -1 || errno != ENOSYS;
	return failed;
}
