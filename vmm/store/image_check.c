/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain: digest.txt names sha256sum.txt, which names the files.  What QEMU is given must be in it.
 *
 * A file is hashed once for as long as its inode says it was not touched.  A file touched within the last seconds is not
 * remembered: another write in the same tick of the clock would not show.
 */
#include "store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/sums.h"

enum { CACHE_ENTRIES = 512, SETTLED_S = 3 };

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct entry {
	bool is_used;
	struct stamp stamp;
	struct digest256 digest;
};

struct image_cache {
	pthread_mutex_t lock;
	size_t next; /* to be replaced */
	struct entry entries[CACHE_ENTRIES];
};

struct image_cache *image_cache_new(void)
{
	struct image_cache *c = xnew(struct image_cache);

	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void image_cache_free(struct image_cache *c)
{
	if (!c)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static int stamp_of(int fd, struct stamp *ret)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret = (struct stamp){ .dev = st.st_dev,
			       .ino = st.st_ino,
			       .size = st.st_size,
			       .mtime = st.st_mtim,
			       .ctime = st.st_ctim };
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

static bool cache_get(struct image_cache *c, const struct stamp *s, struct digest256 *ret)
{
	bool found = false;
	size_t i;

	if (!c)
		return false;
	(void)pthread_mutex_lock(&c->lock);
	for (i = 0; i < CACHE_ENTRIES && !found; i++) {
		found = c->entries[i].is_used && same_stamp(&c->entries[i].stamp, s);
		if (found)
			*ret = c->entries[i].digest;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static bool is_settled(const struct stamp *s)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return false;
	return s->mtime.tv_sec + SETTLED_S < now.tv_sec && s->ctime.tv_sec + SETTLED_S < now.tv_sec;
}

static void cache_put(struct image_cache *c, const struct stamp *s, const struct digest256 *digest)
{
	if (!c || !is_settled(s))
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->entries[c->next] = (struct entry){ .is_used = true, .stamp = *s, .digest = *digest };
	c->next = (c->next + 1) % CACHE_ENTRIES;
	(void)pthread_mutex_unlock(&c->lock);
}

static int hash(int fd, struct image_cache *c, struct digest256 *ret, struct err *e)
{
	struct stamp before = { .size = 0 }, after = { .size = 0 };
	int rc = stamp_of(fd, &before);

	if (rc < 0)
		return err_set(e, ERR_CORRUPT, "is not a regular file");
	if (cache_get(c, &before, ret))
		return 0;
	rc = digest256_fd(fd, ret, e);
	if (rc < 0)
		return rc;
	if (stamp_of(fd, &after) != 0 || !same_stamp(&before, &after))
		return err_set(e, ERR_CORRUPT, "changed while it was read");
	cache_put(c, &before, ret);
	return 0;
}

static int check_file(int dirfd, const struct sum *s, struct image_cache *c, struct err *e)
{
	auto_close int fd = openat(dirfd, s->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct digest256 got;
	int rc;

	if (fd < 0)
		return err_set(e, ERR_CORRUPT, "'%s' cannot be opened: %s", s->name,
			       err_name(-errno));
	rc = hash(fd, c, &got, e);
	if (rc < 0)
		return err_wrap(e, ERR_CORRUPT, "'%s'", s->name);
	if (memcmp(got.b, s->digest.b, sizeof(got.b)) != 0) {
		return err_set(e, ERR_CORRUPT,
			       "'%s' is not the file that sha256sum.txt names; fetch or build the "
			       "image again",
			       s->name);
	}
	return 0;
}

/* Is the artifact at @path, a file right in the folder, listed?  NULL is. */
static int check_listed(const struct image *im, const char *path, struct err *e)
{
	const char *name = path ? path + strlen(im->dir) + 1 : NULL;
	struct sum s;
	int rc = 1;

	if (name)
		rc = sums_find(im->sums.p, im->sums.n, name, &s, e);
	if (rc == 0)
		return err_set(e, ERR_CORRUPT, "'%.200s' is not listed in sha256sum.txt", name);
	return rc < 0 ? rc : 0;
}

static int check_all_listed(const struct image *im, struct err *e)
{
	auto_free char *metadata = xasprintf("%s/metadata.json", im->dir);
	const char *const paths[] = { metadata, im->kernel, im->initrd, im->bios };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(paths) / sizeof(paths[0]); i++)
		rc = check_listed(im, paths[i], e);
	return rc;
}

static int check_digest(const struct image *im, struct err *e)
{
	struct digest256 got = digest256_bytes(im->sums.p, im->sums.n);
	char hex[65];

	if (im->sums.n == 0 || !im->digest[0])
		return err_set(e, ERR_MISSING, "it has no %s to check it by",
			       im->sums.n ? "digest.txt" : "sha256sum.txt");
	str_hex(hex, got.b, sizeof(got.b));
	if (!str_equal(hex, im->digest))
		return err_set(e, ERR_CORRUPT,
			       "sha256sum.txt is not the file that digest.txt names");
	return 0;
}

static int check_files(const struct image *im, struct image_cache *c, struct err *e)
{
	auto_close int fd = open(im->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rd r = rd_over(im->sums.p, im->sums.n);
	struct sum s;
	int rc;

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", im->dir);
	while ((rc = sums_next(&r, &s, e)) > 0) {
		rc = check_file(fd, &s, c, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int image_check(const struct image *im, struct image_cache *c, struct err *e)
{
	int rc = check_digest(im, e);

	if (rc == 0)
		rc = check_all_listed(im, e);
	if (rc == 0)
		rc = check_files(im, c, e);
	return rc < 0 ? err_wrap(e, rc, "image '%s'", im->name) : 0;
}
