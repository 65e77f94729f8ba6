/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/image_metadata.h"

enum { DIGEST_FILE_MAX = 256 };

static void closedir_if(DIR *d)
{
	(void)closedir(d);
}

DEFINE_AUTO(DIR *, dir, closedir_if);
DEFINE_AUTO(struct image *, image, image_free);
#define auto_image __attribute__((cleanup(auto_image_fn)))

bool image_name_is_valid(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	return n >= 1 && n <= IMAGE_NAME_MAX && strspn(name, allowed) == n && name[0] != '.' &&
	       !strstr(name, "..");
}

void image_free(struct image *im)
{
	if (!im)
		return;
	free(im->dir);
	free(im->kernel);
	free(im->initrd);
	free(im->hda);
	free(im->rootfs);
	free(im->bios);
	free(im->bios_sev);
	free(im->cmdline);
	free(im->rootfs_hash);
	free(im->version_text);
	free(im->description);
	buf_deinit(&im->sums);
	buf_deinit(&im->tdx_measurement);
	free(im);
}

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* The canonical path of @name in the folder of @im, which must be a regular file in it; NULL for NULL. */
static int resolve(const struct image *im, const char *label, const char *name, char **ret,
		   struct err *e)
{
	auto_free char *joined = NULL, *path = NULL;
	size_t n = strlen(im->dir);
	struct stat st;

	if (!name)
		return 0;
	joined = xasprintf("%s/%s", im->dir, name);
	path = realpath(joined, NULL);
	if (!path && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_CORRUPT, "%s does not exist: %.300s", label, joined);
	if (!path)
		return err_set(e, ERR_CORRUPT, "%s cannot be resolved: %.300s: %s", label, joined,
			       err_name(-errno));
	if (strncmp(path, im->dir, n) != 0 || path[n] != '/')
		return err_set(e, ERR_CORRUPT, "%s escapes image directory: %.300s", label, path);
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_CORRUPT, "%s is not a file: %.300s", label, path);
	*ret = steal_ptr(&path);
	return 0;
}

static int resolve_all(struct image *im, const struct image_metadata *m, struct err *e)
{
	const struct {
		const char *label, *name;
		char **ret;
	} rows[] = {
		{ "Initrd", m->initrd, &im->initrd }, { "Kernel", m->kernel, &im->kernel },
		{ "Hda", m->hda, &im->hda },	      { "Rootfs", m->rootfs, &im->rootfs },
		{ "Bios", m->bios, &im->bios },	      { "SEV bios", m->bios_sev, &im->bios_sev },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = resolve(im, rows[i].label, rows[i].name, rows[i].ret, e);
	return rc;
}

static void take_texts(struct image *im, const struct image_metadata *m)
{
	im->cmdline = copy_or_null(m->cmdline);
	im->rootfs_hash = copy_or_null(m->rootfs_hash);
	im->version_text = xstrdup(m->version);
	im->shared_ro = m->shared_ro;
	im->is_dev = m->is_dev;
	im->is_pre202505 = m->is_pre202505;
	im->description = image_metadata_describe(m);
	(void)image_version_parse(m->version[0] ? m->version : image_version_of_name(im->name),
				  &im->version);
}

static int load_metadata(struct image *im, int dirfd, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(IMAGE_METADATA_MAX);
	struct image_metadata m;
	int rc = file_read(dirfd, "metadata.json", IMAGE_METADATA_MAX, &b, e);

	if (rc < 0)
		return err_wrap(e, rc == -ENOENT ? ERR_NOT_FOUND : ERR_CORRUPT, "not an image");
	rc = image_metadata_parse(b.p, b.n, &m, e);
	if (rc < 0)
		return rc;
	take_texts(im, &m);
	rc = resolve_all(im, &m, e);
	image_metadata_deinit(&m);
	return rc;
}

/* digest.txt is 64 hex digits with white space around; anything else is no digest. */
static void load_digest(struct image *im, int dirfd)
{
	auto_buf struct buf b = BUF_MAX(DIGEST_FILE_MAX);
	uint8_t digest[32];
	char *from, *end;

	if (file_read(dirfd, "digest.txt", DIGEST_FILE_MAX, &b, NULL) != 0 || memchr(b.p, 0, b.n))
		return;
	from = (char *)b.p + strspn((char *)b.p, " \t\r\n");
	end = from + strcspn(from, " \t\r\n");
	if (end[strspn(end, " \t\r\n")] != 0)
		return;
	*end = 0;
	if (str_unhex(digest, sizeof(digest), from) == 0)
		str_hex(im->digest, digest, sizeof(digest));
}

/* A file that may be absent, but if it is there must be readable. */
static int read_optional(int dirfd, const char *name, size_t max, struct buf *ret, struct err *e)
{
	int rc = file_read(dirfd, name, max, ret, e);

	return rc == -ENOENT ? 0 : rc < 0 ? ERR_CORRUPT : 0;
}

static int load_measurements(struct image *im, int dirfd, struct err *e)
{
	int rc = read_optional(dirfd, "sha256sum.txt", IMAGE_SUMS_MAX, &im->sums, e);

	if (rc == 0)
		rc = read_optional(dirfd, "measurement.tdx.cbor", IMAGE_MEASUREMENT_MAX,
				   &im->tdx_measurement, e);
	if (im->sums.n == 0)
		buf_deinit(&im->tdx_measurement);
	return rc;
}

static int load_folder(struct image *im, struct err *e)
{
	auto_close int fd = open(im->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", im->dir);
	rc = load_metadata(im, fd, e);
	if (rc == 0)
		rc = load_measurements(im, fd, e);
	if (rc == 0)
		load_digest(im, fd);
	return rc;
}

const char *image_firmware(const struct image *im)
{
	return im->bios && str_ends(im->bios, "/" IMAGE_STAND_IN) ? NULL : im->bios;
}

int image_load(const char *store, const char *name, struct image **ret, struct err *e)
{
	auto_image struct image *im = NULL;
	auto_free char *joined = NULL;
	char shown[64];
	int rc;

	if (!image_name_is_valid(name))
		return err_set(e, ERR_INPUT, "Invalid image name: \"%s\"",
			       str_escape(shown, sizeof(shown), name, strlen(name)));
	joined = xasprintf("%s/%s", store, name);
	im = xnew(struct image);
	(void)str_copy(im->name, sizeof(im->name), name);
	im->dir = realpath(joined, NULL);
	if (!im->dir)
		return err_set(e, ERR_NOT_FOUND, "no image '%s' in '%.200s'", name, store);
	rc = load_folder(im, e);
	if (rc < 0)
		return err_wrap(e, rc, "image '%s'", name);
	*ret = steal_ptr(&im);
	return 0;
}

bool image_is_at_least(const struct image *im, unsigned int major, unsigned int minor,
		       unsigned int patch)
{
	const struct image_version *v = &im->version;

	if (v->major != major)
		return v->major > major;
	if (v->minor != minor)
		return v->minor > minor;
	return v->patch >= patch;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct image *const *)a)->name, (*(struct image *const *)b)->name);
}

int image_list(const char *store, struct image ***ret, size_t *ret_n,
	       void (*skipped)(void *arg, const char *name, const struct err *why), void *arg,
	       struct err *e)
{
	__attribute__((cleanup(auto_dir_fn))) DIR *d = opendir(store);
	const struct dirent *entry;
	struct image **list;
	struct err why;
	size_t n = 0;
	int rc;

	if (!d && errno != ENOENT)
		return err_errno(e, errno, "cannot open '%s'", store);
	list = xcalloc(IMAGE_LIST_MAX, sizeof(struct image *));
	while (d && n < IMAGE_LIST_MAX && (entry = readdir(d))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue; /* no image, nor meant to be one */
		rc = image_load(store, entry->d_name, &list[n], &why);
		if (rc == 0)
			n++;
		else if (skipped)
			skipped(arg, entry->d_name, &why);
	}
	qsort(list, n, sizeof(struct image *), by_name);
	*ret = list;
	*ret_n = n;
	return 0;
}

void image_list_free(struct image **list, size_t n)
{
	while (n > 0)
		image_free(list[--n]);
	free(list);
}
