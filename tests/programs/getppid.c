/* getppid and exit, nothing else: not even a C library's start. */
static long call(long number, long argument)
{
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(argument)
			 : "rcx", "r11", "memory");
	return result;
}

void _start(void)
{
	call(110, 0);
	call(60, 0);
	__builtin_unreachable();
}
