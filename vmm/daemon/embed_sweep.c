/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/embed_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "daemon/strays.h"
#include "store/rmtree.h"

enum { NOTE_MAX = 4 * 1024 * 1024, NUMBER_MAX = 12 };

/* The value of @key='...' in the @n bytes at @text.  Return: 1, or 0. */
static int attribute(const char *text, size_t n, const char *key, char *ret, size_t size)
{
	const char *at = memmem(text, n, key, strlen(key)), *end;

	if (!at)
		return 0;
	at += strlen(key);
	end = memchr(at, '\'', n - (size_t)(at - text));
	if (!end || (size_t)(end - at) >= size)
		return 0;
	memcpy(ret, at, (size_t)(end - at));
	ret[end - at] = 0;
	return 1;
}

/* "<root>/lib/qemu/domain-7-name/monitor.sock" */
static void folder_of(const char *path, char ret[static EMBED_FOLDER_MAX + 1])
{
	const char *end = strrchr(path, '/'), *at = end;

	ret[0] = 0;
	while (at && at > path && at[-1] != '/')
		at--;
	if (at && end > at && end - at <= EMBED_FOLDER_MAX)
		(void)str_format(ret, EMBED_FOLDER_MAX + 1, "%.*s", (int)(end - at), at);
}

int embed_note_parse(const char *text, size_t n, struct embed_note *ret)
{
	static const char begin[] = "<domstatus ";
	const char *at = memmem(text, n, begin, sizeof(begin) - 1), *end;
	char number[NUMBER_MAX], path[4096];
	uint32_t pid;

	end = at ? memchr(at, '>', n - (size_t)(at - text)) : NULL;
	if (!end || !attribute(at, (size_t)(end - at), " pid='", number, sizeof(number)) ||
	    num_parse_u32(number, 0, INT32_MAX, &pid))
		return 0;
	*ret = (struct embed_note){ .pid = (int)pid };
	ret->is_starting = memmem(at, (size_t)(end - at), " reason='starting up'", 21) != NULL;
	if (attribute(end, n - (size_t)(end - text), "<monitor path='", path, sizeof(path)))
		folder_of(path, ret->folder);
	return 1;
}

/* Names of folders that running domains have. */
struct kept {
	char (*names)[EMBED_FOLDER_MAX + 1];
	size_t n;
};

static void keep(struct kept *k, const char *folder)
{
	char(*names)[EMBED_FOLDER_MAX + 1] = reallocarray(k->names, k->n + 1, sizeof(*names));

	if (!names)
		abort();
	k->names = names;
	(void)str_copy(k->names[k->n++], sizeof(*names), folder);
}

static bool is_kept(const struct kept *k, const char *folder)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (str_equal(k->names[i], folder))
			return true;
	}
	return false;
}

/* One note, "<name>.xml"; @name is also the domain's uuid, as we name them. */
static void judge(int dir, const char *file, struct kept *k)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct embed_note note;
	char name[64], pid_file[80];

	if (str_format(name, sizeof(name), "%.*s", (int)strlen(file) - 4, file) < 0 ||
	    file_read(dir, file, NOTE_MAX, &b, NULL) < 0 ||
	    !embed_note_parse((const char *)b.p, b.n, &note))
		return; /* not a note that we know: libvirt's business */
	if (note.pid && !note.is_starting && strays_has((pid_t)note.pid, "-uuid", name)) {
		keep(k, note.folder);
		return;
	}
	log_info("vm %.8s: its QEMU is gone or was never started to the end; libvirt's note of it "
		 "is "
		 "removed",
		 name);
	(void)str_format(pid_file, sizeof(pid_file), "%s.pid", name);
	(void)unlinkat(dir, pid_file, 0);
	if (unlinkat(dir, file, 0) < 0)
		log_warn("vm %.8s: cannot remove libvirt's note of it: %s", name, err_name(-errno));
}

static void sweep_notes(const char *root, struct kept *k)
{
	auto_free char *path = xasprintf("%s/run/qemu", root);
	const struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir)) != NULL) {
		if (str_ends(entry->d_name, ".xml"))
			judge(dirfd(dir), entry->d_name, k);
	}
	if (dir)
		(void)closedir(dir);
}

/* Of domains, and of QEMUs that were only asked what they can do. */
static void sweep_folders(const char *root, const struct kept *k)
{
	auto_free char *path = xasprintf("%s/lib/qemu", root);
	const struct dirent *entry;
	struct err e = ERR_NONE;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir)) != NULL) {
		if (!str_starts(entry->d_name, "qmp-") &&
		    (!str_starts(entry->d_name, "domain-") || is_kept(k, entry->d_name)))
			continue;
		if (rmtree(dirfd(dir), entry->d_name, NULL, &e))
			log_warn("libvirt's folder %s: %s", entry->d_name, e.text);
	}
	if (dir)
		(void)closedir(dir);
}

void embed_sweep(const char *root)
{
	struct kept k = { .n = 0 };

	sweep_notes(root, &k);
	sweep_folders(root, &k);
	free(k.names);
}
