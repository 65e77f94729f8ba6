/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

enum { FOLDER_MODE = 0700, NO_CAPABILITY = -1, WORD_BITS = 32 };

void privileges_close_memory(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/*
 * Permitted and inheritable, so that it can be ambient: then whom we run has it.  It is not in effect for us, so that
 * no call of ours uses it.  Only this thread's; those that begin later have what it has.
 */
static int keep(int capability, struct err *e)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	unsigned int word = (unsigned int)capability / WORD_BITS;
	uint32_t bit = UINT32_C(1) << ((unsigned int)capability % WORD_BITS);

	d[word].permitted = d[word].inheritable = bit;
	if (syscall(SYS_capset, &h, d) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
		return err_errno(e, errno, "cannot keep capability %d for programs that we run",
				 capability);
	return 0;
}

static int become(const struct passwd *who, int capability, struct err *e)
{
	int rc;

	/* a container's root may lack it: then there is nothing to keep */
	if (capability != NO_CAPABILITY && prctl(PR_CAPBSET_READ, capability) != 1)
		capability = NO_CAPABILITY;
	if (capability != NO_CAPABILITY)
		(void)prctl(PR_SET_KEEPCAPS, 1);
	if (initgroups(who->pw_name, who->pw_gid) < 0 || setgid(who->pw_gid) < 0 ||
	    setuid(who->pw_uid) < 0)
		return err_errno(e, errno, "cannot become the user '%s'", who->pw_name);
	rc = capability == NO_CAPABILITY ? 0 : keep(capability, e);
	if (rc < 0)
		return rc;
	(void)prctl(PR_SET_DUMPABLE, 0); /* the change of the user may have set it */
	return setuid(0) < 0 ? 0 : err_set(e, -EPERM, "still root after becoming another user");
}

/* Only a folder that was made here is given away. */
static int make_folder(const char *folder, const struct passwd *who, struct err *e)
{
	struct stat st;
	int rc;

	if (stat(folder, &st) == 0)
		return 0;
	rc = file_mkdir_all(folder, FOLDER_MODE, e);
	if (rc == 0 && lchown(folder, who->pw_uid, who->pw_gid) < 0)
		rc = err_errno(e, errno, "cannot give '%s' to '%s'", folder, who->pw_name);
	return rc;
}

int privileges_drop_but(const char *user, const char *folder, int capability, struct err *e)
{
	const struct passwd *who;
	int rc;

	if (geteuid() != 0 || str_equal(user, "root"))
		return folder ? file_mkdir_all(folder, FOLDER_MODE, e) : 0;
	who = getpwnam(user); /* there are no other threads yet */
	if (!who) {
		return err_set(e, ERR_INPUT,
			       "there is no user '%s' to become; make one (systemd-sysusers does "
			       "with the file of this package), or name another as user",
			       user);
	}
	rc = folder ? make_folder(folder, who, e) : 0;
	return rc < 0 ? rc : become(who, capability, e);
}

int privileges_drop(const char *user, const char *folder, struct err *e)
{
	return privileges_drop_but(user, folder, NO_CAPABILITY, e);
}
