/* reach ADDRESS PORT: 0 where something there takes the connection within two seconds; else says why
 * not, and 1. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = 2};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
		fputs("usage: reach ADDRESS PORT\n", stderr);
		return 2;
	}
	address.sin_port = htons((unsigned short)atoi(argv[2]));
	/* For connect too: see socket(7). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		perror("reach");
		return 1;
	}
	return 0;
}
