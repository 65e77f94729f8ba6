/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/qemu_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "measure/acpi_cache.h"

#define DEFAULT_NAME "qemu-system-x86_64"
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

enum { SETTLED_S = 3 }; /* a file changed later than that may change again within its time stamp */

/* The program @name of PATH.  Return: 0; ERR_MISSING. */
static int look_up(const char *name, char ret[static QEMU_PATH_SIZE], struct err *e)
{
	const char *at = getenv("PATH");
	size_t n;

	for (at = at ? at : DEFAULT_PATH; *at; at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		if (at[0] == '/' && n < QEMU_PATH_SIZE &&
		    str_format(ret, QEMU_PATH_SIZE, "%.*s/%s", (int)n, at, name) > 0 &&
		    access(ret, X_OK) == 0)
			return 0;
	}
	return err_set(e, ERR_MISSING,
		       "program '%s' is not installed; scripts/setup names its package", name);
}

/* The path @name from the root: it is run elsewhere. */
static int from_root(const char *name, char ret[static QEMU_PATH_SIZE], struct err *e)
{
	char cwd[QEMU_PATH_SIZE];
	int rc;

	if (name[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_errno(e, errno, "looking for '%s'", name);
	rc = name[0] == '/' ? str_copy(ret, QEMU_PATH_SIZE, name)
			    : str_format(ret, QEMU_PATH_SIZE, "%s/%s", cwd, name);
	return rc < 0 ? err_set(e, rc, "the path of QEMU is too long") : 0;
}

static struct digest256 identity(const struct stat *st)
{
	/* each of them is 8 bytes on the one architecture that we run on; no padding */
	const int64_t what[] = { (int64_t)st->st_dev,	       (int64_t)st->st_ino,
				 (int64_t)st->st_size,	       (int64_t)st->st_mtim.tv_sec,
				 (int64_t)st->st_mtim.tv_nsec, (int64_t)st->st_ctim.tv_sec,
				 (int64_t)st->st_ctim.tv_nsec };

	return digest256_bytes(what, sizeof(what));
}

/* What is kept of a binary: its digest, then its version with the NUL. */
static bool recall(int cache, const struct digest256 *key, struct qemu_binary *ret)
{
	auto_buf struct buf b = { .p = NULL };
	const size_t head = sizeof(ret->digest.b);

	if (acpi_cache_get(cache, "qemu", key, &b) == 0 || b.n <= head ||
	    b.n > head + sizeof(ret->version) || b.p[b.n - 1] != 0)
		return false;
	memcpy(ret->digest.b, b.p, head);
	memcpy(ret->version, b.p + head, b.n - head);
	return true;
}

static void keep(int cache, const struct digest256 *key, const struct qemu_binary *q)
{
	uint8_t text[sizeof(q->digest.b) + sizeof(q->version)];
	size_t n = strlen(q->version) + 1;

	memcpy(text, q->digest.b, sizeof(q->digest.b));
	memcpy(text + sizeof(q->digest.b), q->version, n);
	acpi_cache_put(cache, "qemu", key, text, sizeof(q->digest.b) + n);
}

int qemu_binary_find(const char *name, int cache, struct qemu_binary *ret, struct err *e)
{
	auto_close int fd = -1;
	struct digest256 key;
	struct stat st;
	int rc;

	name = name ? name : DEFAULT_NAME;
	rc = strchr(name, '/') ? from_root(name, ret->path, e) : look_up(name, ret->path, e);
	if (rc < 0)
		return rc;
	fd = open(ret->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_MISSING, "there is no QEMU '%s'", ret->path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "opening '%s'", ret->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_MISSING, "'%s' is no program", ret->path);
	key = identity(&st);
	if (recall(cache, &key, ret))
		return 0;
	rc = digest256_fd(fd, &ret->digest, e);
	if (rc == 0)
		rc = qemu_version_ask(ret->path, ret->version, e);
	if (rc == 0 && time(NULL) - st.st_ctim.tv_sec > SETTLED_S)
		keep(cache, &key, ret);
	return rc;
}
