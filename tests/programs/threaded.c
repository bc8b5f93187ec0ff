/* Threads that call what the main thread does not, and one that ends by itself. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int done;

static void *work(void *argument)
{
	prctl(PR_SET_NAME, "worker");
	switch ((long)argument) {
	case 0:
		syscall(SYS_gettid);
		break;
	case 1:
		syscall(SYS_getpriority, 0, 0);
		break;
	default:
		sched_yield();
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	pthread_mutex_lock(&lock);
	done++;
	pthread_cond_signal(&ready);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	for (long i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			return 1;
	pthread_mutex_lock(&lock);
	while (done < 3)
		pthread_cond_wait(&ready, &lock);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
