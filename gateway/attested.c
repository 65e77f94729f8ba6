/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/attested.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "tee/report_data.h"

enum { HEX = 64, NAME_SIZE = HEX + 6, PATH_SIZE = 1100, LIST_MAX = 4096, FRAME = 256 };

/* One file of the folder. */
struct entry {
	char name[NAME_SIZE];
	json_t *o;
};

struct list {
	struct entry *at;
	size_t n;
};

void attested_report_data(const void *spki, size_t n, uint8_t ret[static ATTESTED_REPORT_DATA])
{
	struct report_data d;

	if (report_data_hashed("sha512", "zt-cert", spki, n, &d, NULL) < 0)
		abort(); /* there is such a hash */
	memcpy(ret, d.b, ATTESTED_REPORT_DATA);
}

static int open_folder(const char *state, bool makes, struct err *e)
{
	char path[PATH_SIZE];
	int fd, rc = 0;

	if (str_format(path, sizeof(path), "%s/attested", state) < 0)
		return err_set(e, ERR_INPUT, "state: the path is too long");
	if (makes)
		rc = file_mkdir_all(path, 0700, e);
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_errno(e, errno, "opening '%s'", path) : fd;
}

static bool is_ours(const char *name)
{
	return strlen(name) == HEX + 5 && strspn(name, "0123456789abcdef") == HEX &&
	       str_equal(name + HEX, ".json");
}

/* Newest first; of one moment by name, so that the order is always the same. */
static int by_age(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	uint64_t tx = json_get_u64(x->o, "made_ms", 0), ty = json_get_u64(y->o, "made_ms", 0);

	return tx > ty ? -1 : tx < ty ? 1 : strcmp(x->name, y->name);
}

static void list_deinit(struct list *l)
{
	while (l->n > 0)
		json_decref(l->at[--l->n].o);
	free(l->at);
	l->at = NULL;
}

static void add_entry(struct list *l, int dirfd, const char *name)
{
	struct err e = ERR_NONE;
	struct entry *in = &l->at[l->n];

	if (json_read_file(dirfd, name, ATTESTED_FILE_MAX, &in->o, &e) < 0) {
		log_warn("gateway: an attested key is left out: %s", e.text);
		return;
	}
	(void)str_copy(in->name, sizeof(in->name), name);
	l->n++;
}

/* Takes over nothing; @l for list_deinit() in every case. */
static int read_folder(int dirfd, struct list *l, struct err *e)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;

	l->n = 0;
	l->at = xcalloc(LIST_MAX, sizeof(*l->at));
	if (!dir) {
		(void)fd_close(fd);
		return err_errno(e, errno, "reading the folder of attested keys");
	}
	rewinddir(dir);
	while ((d = readdir(dir)) && l->n < LIST_MAX) {
		if (is_ours(d->d_name))
			add_entry(l, dirfd, d->d_name);
	}
	(void)closedir(dir);
	qsort(l->at, l->n, sizeof(*l->at), by_age);
	return 0;
}

static void forget_oldest(int dirfd)
{
	struct list l = { NULL, 0 };
	size_t i;

	if (read_folder(dirfd, &l, NULL) == 0) {
		for (i = ATTESTED_MAX; i < l.n; i++)
			(void)unlinkat(dirfd, l.at[i].name, 0);
	}
	list_deinit(&l);
}

int attested_put(const char *state, const struct attested *a, struct err *e)
{
	auto_close int dirfd = -1;
	json_auto_t *o = NULL;
	char name[NAME_SIZE], hex[2 * ATTESTED_SPKI_MAX + 1];
	struct digest256 d = digest256_bytes(a->spki, a->n_spki);
	int rc;

	if (a->n_spki > ATTESTED_SPKI_MAX || strlen(a->quote) > ATTESTED_TEXT_MAX ||
	    strlen(a->attestation) > ATTESTED_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "domain %s: its key or its quote is too large",
			       a->domain);
	dirfd = open_folder(state, true, e);
	if (dirfd < 0)
		return dirfd;
	str_hex(name, d.b, sizeof(d.b));
	(void)str_copy(name + HEX, sizeof(name) - HEX, ".json");
	str_hex(hex, a->spki, a->n_spki);
	o = json_pack("{s:s, s:s, s:I, s:s, s:s}", "domain", a->domain, "public_key", hex,
		      "made_ms", (json_int_t)a->made_ms, "quote", a->quote, "attestation",
		      a->attestation);
	if (!o)
		return err_set(e, ERR_INPUT, "domain %s: its quote is no text", a->domain);
	(void)file_sweep(dirfd, NULL); /* what a crash left here */
	rc = json_write_file(dirfd, name, 0600, o, e);
	if (!rc)
		forget_oldest(dirfd);
	return rc;
}

static json_t *info_of(json_t *keys)
{
	return json_pack("{s:s, s:[], s:o, s:s, s:s}", "account_uri", "", "hist_keys",
			 "quoted_hist_keys", keys, "account_quote", "", "account_attestation", "");
}

static size_t text_size(const json_t *o, const char *key)
{
	return 2 * strlen(json_get_str(o, key, "")); /* every character escaped */
}

int attested_info(const char *state, struct buf *ret, struct err *e)
{
	auto_close int dirfd = open_folder(state, false, NULL);
	json_auto_t *info = NULL;
	auto_free char *text = NULL;
	json_t *keys = json_array();
	struct list l = { NULL, 0 };
	size_t i, size = FRAME;

	if (dirfd >= 0)
		(void)read_folder(dirfd, &l, NULL);
	for (i = 0; i < l.n; i++) {
		const json_t *o = l.at[i].o;

		size += text_size(o, "public_key") + text_size(o, "quote") +
			text_size(o, "attestation") + FRAME;
		if (size > ATTESTED_INFO_MAX)
			break;
		(void)json_array_append_new(keys,
					    json_pack("{s:s, s:s, s:s}", "public_key",
						      json_get_str(o, "public_key", ""), "quote",
						      json_get_str(o, "quote", ""), "attestation",
						      json_get_str(o, "attestation", "")));
	}
	list_deinit(&l);
	info = info_of(keys);
	text = json_compact(info);
	*ret = BUF_MAX(ATTESTED_INFO_MAX);
	return buf_add_str(ret, text) < 0 ? err_set(e, ERR_LIMIT, "acme-info is too large") : 0;
}
