/* Leaves a daemon behind: daemonise PIDFILE. The daemon sleeps for minutes, its parent is gone at
 * once, and it holds none of the streams. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (fork() != 0)
		return 0;
	setsid();
	if (fork() != 0)
		return 0;
	FILE *file = fopen(argv[1], "w");
	if (file == NULL)
		return 1;
	fprintf(file, "%d\n", getpid());
	fclose(file);
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	sleep(300);
	return 0;
}
