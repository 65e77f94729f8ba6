/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"

enum { FILE_MAX = 4096, FILE_MODE = 0600, VERSION = 1 };

static const char *file_name(bool is_simulated)
{
	return is_simulated ? "keys.simulated.json" : "keys.json";
}

void keys_wipe(struct keys *k)
{
	secret_wipe(k, sizeof(*k));
}

static void finish(struct keys *k)
{
	struct digest256 id;

	p256_key_spki(&k->signing, k->spki);
	id = digest256_bytes(k->spki, sizeof(k->spki));
	memcpy(k->id, id.b, sizeof(k->id));
}

int keys_read(const void *p, size_t n, struct keys *ret, struct err *e)
{
	const char *sealing = NULL, *signing = NULL;
	struct keys k = { .spki = { 0 } };
	json_t *j = NULL;
	int version = 0, rc;

	rc = json_parse(p, n, FILE_MAX, "the file of keys", &j, NULL) < 0 ? ERR_CORRUPT : 0;
	if (rc == 0 && json_unpack(j, "{s:i, s:s, s:s !}", "version", &version, "sealing_key",
				   &sealing, "signing_key", &signing) < 0)
		rc = ERR_CORRUPT;
	if (rc == 0 && (version != VERSION || str_unhex(k.sealing.b, SECRET_SIZE, sealing) < 0 ||
			secret_is_zero(k.sealing.b, SECRET_SIZE) ||
			p256_key_from_pem(signing, strlen(signing), &k.signing, NULL) < 0))
		rc = ERR_CORRUPT;
	json_decref(j);
	if (rc == 0) {
		finish(&k);
		*ret = k;
	}
	keys_wipe(&k);
	return rc < 0 ? err_set(e, rc, "it does not hold the keys of a key provider") : 0;
}

static int write_new(int folder, const char *name, struct err *e)
{
	auto_secret_buf struct buf text = BUF_MAX(0);
	char hex[2 * SECRET_SIZE + 1];
	struct keys k = { .spki = { 0 } };
	char *pem;
	int rc;

	rc = secret_buf_init(&text, FILE_MAX);
	if (rc < 0)
		return err_set(e, rc, "no memory");
	rc = p256_key_random(&k.signing, e);
	if (rc < 0)
		return rc;
	secret_random(&k.sealing, sizeof(k.sealing));
	str_hex(hex, k.sealing.b, sizeof(k.sealing.b));
	pem = p256_key_pem(&k.signing);
	(void)buf_addf(&text, "{\"version\":%d,\"sealing_key\":\"%s\",\"signing_key\":\"", VERSION,
		       hex);
	for (const char *c = pem; *c; c++)
		(void)(*c == '\n' ? buf_add_str(&text, "\\n") : buf_add(&text, c, 1));
	(void)buf_add_str(&text, "\"}\n");
	rc = file_replace(folder, name, FILE_MODE, text.p, text.n, e);
	secret_str_free(pem);
	secret_wipe(hex, sizeof(hex));
	keys_wipe(&k);
	return rc;
}

/* The folder's own lock, so that of two first starts one makes the keys, and the other finds them. */
static int make(const char *folder, const char *name, struct err *e)
{
	auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "cannot open the folder '%s'", folder);
	if (flock(fd, LOCK_EX) < 0)
		return err_errno(e, errno, "cannot lock the folder '%s'", folder);
	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, errno, "cannot look for '%s/%s'", folder, name);
	return write_new(fd, name, e);
}

int keys_open(const char *folder, bool is_simulated, bool may_make, struct keys *ret, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s", folder, file_name(is_simulated));
	struct buf text = BUF_MAX(0);
	int rc = 0;

	if (may_make)
		rc = make(folder, file_name(is_simulated), e);
	if (rc == 0)
		rc = own_file_read(path, FILE_MAX, &text, e);
	if (rc == 0) {
		rc = keys_read(text.p, text.n, ret, e);
		if (rc < 0) {
			rc = err_wrap(e, rc,
				      "'%s' (restore it from your backup: without it the disks of "
				      "its guests cannot be opened)",
				      path);
		}
	}
	secret_buf_deinit(&text);
	return rc;
}
