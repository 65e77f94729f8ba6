/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filtered LIST PROGRAM [ARGUMENT...]: run a program as systemd would with SystemCallFilter= of these names
 *
 * LIST holds a name a line; every other call fails with EPERM, and no privilege is gained from then on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	char name[64];
	int call, n = 0;
	FILE *list;

	if (argc < 3 || !filter)
		return 2;
	list = fopen(argv[1], "re");
	while (list && fgets(name, sizeof(name), list)) {
		name[strcspn(name, "\n")] = 0;
		call = seccomp_syscall_resolve_name(name);
		if (call >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0)
			n++;
	}
	if (n < 100 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seccomp_load(filter) != 0) {
		(void)fprintf(stderr, "filtered: %d calls, %s\n", n, strerror(errno));
		return 2;
	}
	(void)fclose(list);
	seccomp_release(filter);
	(void)execv(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
