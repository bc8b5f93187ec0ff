/* nested MOUNT: makes a cgroup below its own in the cgroup2 file system at MOUNT, and one below
 * that. A child calls sysinfo in the first and times in the second; then both are removed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "nested: %s: %s\n", what, strerror(errno));
	return 1;
}

/* "0::PATH" is the line of cgroup2. */
static int own_cgroup(const char *mount, char *path, size_t size)
{
	char line[512];
	FILE *file = fopen("/proc/self/cgroup", "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(path, size, "%s%s", mount, line + 3);
		fclose(file);
		return 1;
	}
	fclose(file);
	return 0;
}

/* MOUNT may be another cgroup namespace's: then the path leads elsewhere. */
static int holds_us(const char *cgroup)
{
	char path[1024];
	int pid, found = 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	FILE *file = fopen(path, "r");
	while (file && fscanf(file, "%d", &pid) == 1)
		found |= pid == getpid();
	if (file)
		fclose(file);
	return found;
}

static int join(const char *cgroup)
{
	char path[1200];
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	FILE *file = fopen(path, "w");
	if (!file)
		return 0;
	int written = fprintf(file, "%d", getpid()) > 0;
	return fclose(file) == 0 && written;
}

int main(int argc, char **argv)
{
	char own[512], outer[600], inner[700];
	int status = 1;
	if (argc != 2 || !own_cgroup(argv[1], own, sizeof(own)) || !holds_us(own)) {
		fprintf(stderr, "nested: name where cgroup2 is mounted, of our own cgroup namespace\n");
		return 2;
	}
	snprintf(outer, sizeof(outer), "%s/nested-%d", own, getpid());
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	if (mkdir(outer, 0755) != 0)
		return fail(outer);
	if (mkdir(inner, 0755) != 0) {
		fail(inner);
		rmdir(outer);
		return 1;
	}
	pid_t child = fork();
	if (child == 0) {
		if (!join(outer))
			_exit(fail("join the outer"));
		syscall(SYS_sysinfo, NULL);
		if (!join(inner))
			_exit(fail("join the inner"));
		syscall(SYS_times, NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	/* A cgroup is busy for a moment after its last process was reaped. */
	for (int i = 0; i < 100 && rmdir(inner) != 0; i++)
		usleep(10000);
	for (int i = 0; i < 100 && rmdir(outer) != 0; i++)
		usleep(10000);
	return status != 0;
}
