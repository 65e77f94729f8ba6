/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/acpi_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

enum { FOLDER_MAX = 4096, NAME_MAX_HERE = 128, DIGEST_SIZE = 32 };

static const char magic[16] = "bailey-cache 1\n";

/* Return: 0, or negative where there is no place for a cache. */
static int default_folder(char *dst, size_t size)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && cache[0] == '/')
		return str_format(dst, size, "%s/bailey/acpi", cache);
	if (home && home[0] == '/')
		return str_format(dst, size, "%s/.cache/bailey/acpi", home);
	return -1;
}

int acpi_cache_open(const char *folder)
{
	auto_close int fd = -1;
	char path[FOLDER_MAX];
	struct stat st;
	int rc;

	rc = folder ? str_copy(path, sizeof(path), folder) : default_folder(path, sizeof(path));
	if (rc <= 0 || file_mkdir_all(path, 0700, NULL) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -1;
	return steal_fd(&fd);
}

static void name_of(const char *kind, const struct digest256 *key, char ret[static NAME_MAX_HERE])
{
	char hex[2 * DIGEST_SIZE + 1];

	str_hex(hex, key->b, sizeof(key->b));
	(void)str_format(ret, NAME_MAX_HERE, "%s-%s", kind, hex);
}

static struct digest256 seal_of(const char *kind, const struct digest256 *key, const void *p,
				size_t n)
{
	const struct digest_part parts[] = {
		{ magic, sizeof(magic) },
		{ kind, strlen(kind) + 1 },
		{ key->b, sizeof(key->b) },
		{ p, n },
	};

	return digest256_of(parts, sizeof(parts) / sizeof(parts[0]));
}

int acpi_cache_get(int dir, const char *kind, const struct digest256 *key, struct buf *ret)
{
	const size_t head = sizeof(magic) + DIGEST_SIZE;
	auto_buf struct buf b = { .p = NULL };
	char name[NAME_MAX_HERE];
	struct digest256 seal;

	name_of(kind, key, name);
	if (dir < 0 || file_read(dir, name, head + ACPI_CACHE_SIZE_MAX, &b, NULL) < 0)
		return 0;
	if (b.n < head || memcmp(b.p, magic, sizeof(magic)) != 0)
		return 0;
	seal = seal_of(kind, key, b.p + head, b.n - head);
	if (memcmp(seal.b, b.p + sizeof(magic), DIGEST_SIZE) != 0)
		return 0;
	buf_drop(&b, head);
	*ret = b;
	b = (struct buf){ .p = NULL };
	return 1;
}

/* Make room for one more file: any of ours may go. */
static void make_room(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t n = 0;

	if (!list) {
		(void)fd_close(fd);
		return;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
	while ((entry = readdir(list))) {
		if (strchr(entry->d_name, '-') && ++n >= ACPI_CACHE_FILES_MAX)
			(void)unlinkat(dir, entry->d_name, 0);
	}
	(void)closedir(list);
}

void acpi_cache_put(int dir, const char *kind, const struct digest256 *key, const void *p, size_t n)
{
	auto_buf struct buf b = BUF_MAX(sizeof(magic) + DIGEST_SIZE + ACPI_CACHE_SIZE_MAX);
	struct digest256 seal = seal_of(kind, key, p, n);
	char name[NAME_MAX_HERE];

	if (dir < 0 || buf_add(&b, magic, sizeof(magic)) < 0 ||
	    buf_add(&b, seal.b, sizeof(seal.b)) < 0 || buf_add(&b, p, n) < 0)
		return;
	make_room(dir);
	name_of(kind, key, name);
	(void)file_replace(dir, name, 0600, b.p, b.n, NULL);
}
