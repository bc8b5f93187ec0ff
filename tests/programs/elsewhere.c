/* What one libc calls by another name than the other: files, pipes, waiting, processes, threads,
 * signals, memory. Ends well only if each of them does. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static void must(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static void files(void)
{
	char line[64], place[] = "/tmp/elsewhere.XXXXXX";
	struct stat seen;
	FILE *file = fopen("/proc/self/status", "re");
	must(file && fgets(line, sizeof line, file), "fopen");
	must(fstat(fileno(file), &seen) == 0, "fstat");
	must(fclose(file) == 0, "fclose");
	must(stat("/", &seen) == 0 && lstat("/", &seen) == 0, "stat");
	DIR *folder = opendir("/");
	must(folder && readdir(folder), "opendir");
	closedir(folder);

	must(mkdtemp(place) && chdir(place) == 0, "mkdtemp");
	int made = creat("file", 0600);
	must(made >= 0 && close(made) == 0, "creat");
	must(utime("file", NULL) == 0, "utime");
	must(mkfifo("fifo", 0600) == 0, "mkfifo");
	must(unlink("fifo") == 0 && unlink("file") == 0, "unlink");
	must(chdir("/") == 0 && rmdir(place) == 0, "rmdir");
}

static void waiting(void)
{
	int ends[2];
	must(pipe(ends) == 0, "pipe");
	must(write(ends[1], "x", 1) == 1, "write");
	fd_set ready;
	FD_ZERO(&ready);
	FD_SET(ends[0], &ready);
	must(select(ends[0] + 1, &ready, NULL, NULL, NULL) == 1, "select");
	int epoll = epoll_create(1), notify = inotify_init();
	struct epoll_event event = { .events = EPOLLIN };
	must(epoll >= 0 && notify >= 0, "epoll_create, inotify_init");
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
	must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
	must(nanosleep(&(struct timespec){ .tv_nsec = 1000 }, NULL) == 0, "nanosleep");
	alarm(0);
}

static void processes(void)
{
	int status = -1;
	pid_t child = fork();
	if (child == 0)
		_exit(getpgrp() > 0 ? 0 : 1);
	must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork");
}

static volatile sig_atomic_t signalled;

static void handle(int number)
{
	signalled = number;
}

static void *thread(void *mutex)
{
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	return mutex;
}

static void threads(void)
{
	pthread_t id;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&mutex);
	must(pthread_create(&id, NULL, thread, &mutex) == 0, "pthread_create");
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	pthread_mutex_unlock(&mutex);
	must(pthread_join(id, NULL) == 0, "pthread_join");
	signal(SIGUSR1, handle);
	must(raise(SIGUSR1) == 0 && signalled == SIGUSR1, "raise");
}

static void memory(void)
{
	for (size_t size = 64; size < 8 << 20; size *= 2) {
		char *some = malloc(size);
		must(some != NULL, "malloc");
		memset(some, 1, size);
		some = realloc(some, 2 * size);
		must(some != NULL, "realloc");
		free(some);
	}
}

int main(void)
{
	files();
	waiting();
	processes();
	threads();
	memory();
	printf("%ld processors\n", sysconf(_SC_NPROCESSORS_ONLN));
	return 0;
}
