/* port PORT HOW: asks for a TCP port of 127.0.0.9, by `bind`; built for i386 also by `socketcall`,
 * whose arguments lie in memory; else also by `x32`, which a kernel without that ABI does not know:
 * asked is asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bind_by(const char *how, int fd, const struct sockaddr_in *address)
{
#ifdef __i386__
	enum { BIND = 2 };
	long arguments[] = {fd, (long)address, sizeof(*address)};
	if (strcmp(how, "socketcall") == 0)
		return syscall(SYS_socketcall, BIND, arguments);
#else
	/* As in <asm/unistd.h>; glibc's has no name for it. */
	enum { X32_BIT = 0x40000000 };
	if (strcmp(how, "x32") == 0)
		return syscall(X32_BIT | SYS_bind, fd, address, sizeof(*address));
#endif
	return syscall(SYS_bind, fd, address, sizeof(*address));
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3) {
		fprintf(stderr, "usage: port PORT HOW\n");
		return 2;
	}
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	inet_pton(AF_INET, "127.0.0.9", &address.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind_by(argv[2], fd, &address) != 0 && errno != ENOSYS) {
		perror("bind");
		return 1;
	}
	return 0;
}
