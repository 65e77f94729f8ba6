/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/seal_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/env_file.h"
#include "crypto/kdf.h"
#include "data/json.h"
#include "store/manifest.h"

enum { NOTE_MAX = 4096, VERSION = 1 };

/* NULL: there is none.  The caller frees. */
static char *folder(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		return xasprintf("%s/bailey/sealed", config);
	if (home && *home == '/')
		return xasprintf("%s/.config/bailey/sealed", home);
	return NULL;
}

/* An id is a file's name only if it is one of ours.  The caller frees. */
static char *path_of(const char *id)
{
	auto_free char *dir = vm_id_is_valid(id) ? folder() : NULL;

	return dir ? xasprintf("%s/%s", dir, id) : NULL;
}

static bool take_hex(const json_t *j, const char *key, void *dst, size_t n)
{
	return str_unhex(dst, n, json_get_str(j, key, "")) == 0;
}

static bool parse(const json_t *j, struct seal_note *n)
{
	return json_get_u64(j, "version", 0) == VERSION &&
	       str_copy(n->name, sizeof(n->name), json_get_str(j, "name", "")) > 0 &&
	       take_hex(j, "app_id", n->app_id, sizeof(n->app_id)) &&
	       take_hex(j, "signer", n->signer, sizeof(n->signer)) &&
	       take_hex(j, "sealed", n->sealed.b, sizeof(n->sealed.b)) &&
	       take_hex(j, "salt", n->salt.b, sizeof(n->salt.b)) &&
	       take_hex(j, "content", n->content.b, sizeof(n->content.b));
}

int seal_note_read(const char *id, const char *name, struct seal_note *ret)
{
	auto_buf struct buf text = BUF_MAX(0);
	struct seal_note n = { .name = "" };
	auto_free char *path = path_of(id);
	json_t *j = NULL;
	bool is_good;

	if (!path || file_read(AT_FDCWD, path, NOTE_MAX, &text, NULL) < 0 ||
	    json_parse(text.p, text.n, NOTE_MAX, "note", &j, NULL) < 0)
		return 0;
	is_good = parse(j, &n) && str_equal(n.name, name);
	json_decref(j);
	if (is_good)
		*ret = n;
	return is_good;
}

static struct digest256 digest_of_content(const struct seal_note *n, const struct env_file *f)
{
	const struct digest_part part = { f->plain.p, f->plain.n };

	return kdf_hmac(n->salt.b, sizeof(n->salt.b), &part, 1);
}

void seal_note_take(struct seal_note *n, const struct env_file *f, const char *sealed_hex)
{
	secret_random(n->salt.b, sizeof(n->salt.b));
	n->sealed = digest256_bytes(sealed_hex, strlen(sealed_hex));
	n->content = digest_of_content(n, f);
}

bool seal_note_holds(const struct seal_note *n, const struct env_file *f, const char *sealed_hex,
		     const uint8_t signer[static K256_PUBLIC])
{
	struct digest256 sealed = digest256_bytes(sealed_hex, strlen(sealed_hex));
	struct digest256 content = digest_of_content(n, f);

	return memcmp(n->signer, signer, sizeof(n->signer)) == 0 &&
	       memcmp(n->sealed.b, sealed.b, sizeof(sealed.b)) == 0 &&
	       secret_equal(n->content.b, content.b, sizeof(content.b));
}

static json_t *to_json(const struct seal_note *n)
{
	char app_id[2 * APP_KEYS_ID + 1], signer[2 * K256_PUBLIC + 1], sealed[65], salt[65],
		content[65];

	str_hex(app_id, n->app_id, sizeof(n->app_id));
	str_hex(signer, n->signer, sizeof(n->signer));
	str_hex(sealed, n->sealed.b, sizeof(n->sealed.b));
	str_hex(salt, n->salt.b, sizeof(n->salt.b));
	str_hex(content, n->content.b, sizeof(n->content.b));
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "version", VERSION, "name", n->name,
			 "app_id", app_id, "signer", signer, "sealed", sealed, "salt", salt,
			 "content", content);
}

int seal_note_write(const char *id, const struct seal_note *n, struct err *e)
{
	auto_free char *text = NULL, *dir = folder(), *path = path_of(id);
	json_t *j;
	int rc;

	if (!path)
		return err_set(e, -ENOENT, "there is no home folder");
	rc = file_mkdir_all(dir, 0700, e);
	if (rc < 0)
		return rc;
	j = to_json(n);
	text = json_compact(j);
	json_decref(j);
	return file_replace(AT_FDCWD, path, 0600, text, strlen(text), e);
}

void seal_note_drop(const char *id)
{
	auto_free char *path = path_of(id);

	if (path)
		(void)unlink(path); /* most VMs have none */
}
