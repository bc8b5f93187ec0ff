/* hostile [DIR]: names itself, and a copy of itself in DIR (/tmp) that it becomes, by bytes that a
 * terminal, a shell, JSON and HTML would each act on. Calls sysinfo under its ordinary path and
 * times under the hostile one. The copy removes itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first 15 bytes are the comm that exec gives the copy. */
#define COMM "\033[31m\"\n<script>"
#define NAME COMM "'$(id)`;\\x41\t\r\b\177\xff\xfe\xe2\x80\xae{{}}&amp;%n"

static int fail(const char *what)
{
	fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "become") == 0) {
		unlink(argv[2]);
		syscall(SYS_times, NULL);
		return 0;
	}
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", argc > 1 ? argv[1] : "/tmp", NAME);
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (from < 0 || to < 0)
		return fail("copy");
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	/* What is open for writing cannot be run. */
	close(to);
	prctl(PR_SET_NAME, COMM);
	syscall(SYS_sysinfo, NULL);
	execl(path, path, "become", path, NULL);
	fail("exec");
	unlink(path);
	return 1;
}
