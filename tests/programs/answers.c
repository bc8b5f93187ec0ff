/* What the filter that it runs under answers to every call, made by each of the three ABIs, with
 * several first arguments. Not one of the calls is made: a second filter hands to a tracer what the
 * first one lets through, and the tracer skips it. A line each: ABI, number, an answer an argument:
 * the errno, or "passes". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000L

/* Past the end of every table; i386's and x32's own numbers end at 547. */
enum { NUMBERS = 600, PASSES = 999 };

/* Those that default profiles tell apart: of personality, socket and clone, with a bit above too. */
static const long ARGUMENTS[] = {
	0, 1, 8, 38, 40, 0x20000, 0x20008, 0xffffffff, 0x10000000, 0x7e020000, 0x1200011, 0x100000028,
	-1,
};
enum { COUNT = sizeof ARGUMENTS / sizeof ARGUMENTS[0] };

static const char *const ABIS[] = { "x86_64", "i386", "x32" };

static short (*answers)[NUMBERS][COUNT];

static long native(long number, long first)
{
	long result;
	register long r10 asm("r10") = 0, r8 asm("r8") = 0, r9 asm("r9") = 0;
	asm volatile("syscall"
		: "=a"(result)
		: "a"(number), "D"(first), "S"(0L), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

static long i386(long number, long first)
{
	long result;
	asm volatile("int $0x80"
		: "=a"(result)
		: "a"(number), "b"(first), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
		: "r8", "r9", "r10", "r11", "memory");
	return result;
}

/* The kernel asks no filter about these, and sends SIGILL to who makes them himself. */
static int is_unfiltered(long number)
{
	enum { URETPROBE = 335, UPROBE = 336 };
	return number == URETPROBE || number == UPROBE;
}

static void ask(void)
{
	struct sock_filter trace = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	struct sock_fprog filter = { 1, &trace };
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &filter))
		_exit(1);
	for (long number = 0; number < NUMBERS; number++) {
		for (int i = 0; i < COUNT; i++) {
			if (!is_unfiltered(number))
				answers[0][number][i] = native(number, ARGUMENTS[i]);
			answers[1][number][i] = i386(number, ARGUMENTS[i]);
			answers[2][number][i] = native(number | X32_BIT, ARGUMENTS[i]);
		}
	}
	__builtin_trap();
}

/* Until the child has come to its end. */
static void skip_all(pid_t child)
{
	int status;
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	for (;;) {
		struct user_regs_struct registers;
		ptrace(PTRACE_CONT, child, NULL, NULL);
		if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			exit(2);
		if (WSTOPSIG(status) == SIGILL)
			return;
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			exit(3);
		ptrace(PTRACE_GETREGS, child, NULL, &registers);
		registers.orig_rax = -1;
		registers.rax = PASSES;
		ptrace(PTRACE_SETREGS, child, NULL, &registers);
	}
}

int main(void)
{
	answers = mmap(NULL, sizeof *answers * 3, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	pid_t child = fork();
	if (child == 0)
		ask();
	skip_all(child);
	printf("ABI number");
	for (int i = 0; i < COUNT; i++)
		printf(" %ld", ARGUMENTS[i]);
	printf("\n");
	for (int abi = 0; abi < 3; abi++) {
		for (long number = 0; number < NUMBERS; number++) {
			if (abi == 0 && is_unfiltered(number))
				continue;
			printf("%s %ld", ABIS[abi], number);
			for (int i = 0; i < COUNT; i++) {
				if (answers[abi][number][i] == PASSES)
					printf(" passes");
				else
					printf(" %d", -answers[abi][number][i]);
			}
			printf("\n");
		}
	}
	return 0;
}
