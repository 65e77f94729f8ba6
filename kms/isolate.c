/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "kms/config.h"

void isolate_early(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* A folder of somebody else's is not taken from him. */
static int own_state(const struct kms_config *c, uid_t uid, gid_t gid, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;
	int rc = file_mkdir_all(c->state, 0700, e);

	if (rc < 0)
		return rc;
	fd = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot open '%s'", c->state);
	if (st.st_uid == uid)
		return 0;
	if (st.st_uid != 0)
		return err_set(e, ERR_INPUT, "'%s' belongs to user %u, not to %s", c->state,
			       st.st_uid, c->user);
	return fchown(fd, uid, gid) < 0 ? err_errno(e, errno, "cannot give away '%s'", c->state)
					: 0;
}

int isolate_user(const struct kms_config *c, struct err *e)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;
	int rc;

	if (geteuid() != 0)
		return 0;
	if (!c->user) {
		log_warn("kms: it runs as root; write user in its configuration");
		return 0;
	}
	pw = getpwnam(c->user);
	if (!pw)
		return err_set(e, ERR_INPUT, "user: there is no user \"%s\"", c->user);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	rc = own_state(c, uid, gid, e);
	if (rc < 0)
		return rc;
	if (initgroups(c->user, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return err_errno(e, errno, "cannot become %s", c->user);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* becoming another sets it anew */
	return 0;
}
