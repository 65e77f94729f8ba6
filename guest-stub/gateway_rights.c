/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_rights.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/err.h"

void gateway_rights_harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* No program run from here on gets any but @kept (-1: none); the kernel may know more of them than we. */
static int drop_bounding(int kept, struct err *e)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (cap != kept && prctl(PR_CAPBSET_DROP, cap) < 0)
			return err_errno(e, errno, "drop capability %d", cap);
	}
	return 0;
}

/* Exactly @kept (-1: none), for us and what we run. */
static int set_capabilities(int kept, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (kept >= 0) {
		data[0].effective = data[0].permitted = data[0].inheritable = 1u << kept;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return err_errno(e, errno, "set capabilities");
	if (kept >= 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept, 0, 0) < 0)
		return err_errno(e, errno, "keep a capability for programs");
	return 0;
}

static int become(unsigned int user, int kept, struct err *e)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = drop_bounding(kept, e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, kept >= 0, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0)
		return err_errno(e, errno, "let go of root's rights");
	r = set_capabilities(kept, e);
	gateway_rights_harden(); /* the change of the user may have undone it */
	return r;
}

int gateway_rights_of_speaker(struct err *e)
{
	return become(GATEWAY_SPEAKER, -1, e);
}

int gateway_rights_of_worker(struct err *e)
{
	return become(GATEWAY_WORKER, CAP_NET_ADMIN, e);
}
