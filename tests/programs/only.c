/* only NUMBER CMD…: runs CMD as root with this one capability; with none where NUMBER is -1. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: only NUMBER CMD...\n", stderr);
		return 2;
	}
	/* What it has in hand, SETPCAP among it, stays until exec. */
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
		if (capability != atoi(argv[1]) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
			perror("only: prctl");
			return 2;
		}
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
