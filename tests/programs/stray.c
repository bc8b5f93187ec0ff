/* Numbers that no table has: one past its end, one before its start. */
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	syscall(1000);
	syscall(-1);
	return 0;
}
