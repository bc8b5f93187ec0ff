/* Children of each kind: fork, a fork of a fork, vfork with exec, a signal on the way. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int signal)
{
	(void)signal;
}

int main(void)
{
	signal(SIGCHLD, on_child);
	int ends[2];
	if (pipe(ends) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0) {
			/* Only the grandchild calls these two. */
			getpgid(0);
			getsid(0);
			_exit(0);
		}
		wait(NULL);
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	char byte;
	while (read(ends[0], &byte, 1) != 1)
		;
	waitpid(child, NULL, 0);
	child = vfork();
	if (child == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status != 0)
		return 1;
	return system("true") == 0 ? 0 : 1;
}
