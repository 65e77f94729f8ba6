/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/seal.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "kms/agent.h"
#include "kms/config.h"

enum { MAGIC = 16, HEAD = MAGIC + AEAD_NONCE, AAD_MAX = 128, KEY_FILE_MAX = 128 };

static const char magic[MAGIC + 1] = "bailey-kms-seal1";

static int key_of_file(const char *path, struct secret32 *ret, struct err *e)
{
	struct buf text = BUF_MAX(0);
	int rc = own_file_read(path, KEY_FILE_MAX, &text, e);

	while (rc == 0 && text.n > 0 && text.p[text.n - 1] == '\n')
		text.p[--text.n] = '\0';
	if (rc == 0 && (text.n != 2 * sizeof(ret->b) ||
			str_unhex(ret->b, sizeof(ret->b), (const char *)text.p) < 0))
		rc = err_set(e, ERR_INPUT, "'%s' does not hold 64 hex digits", path);
	secret_buf_deinit(&text);
	return rc;
}

int seal_key(const struct kms_config *c, struct secret32 *ret, struct err *e)
{
	const struct digest_part use = { "bailey-kms-seal", 15 };
	auto_secret struct secret32 given = { { 0 } };
	int rc;

	if (c->seal_key)
		rc = key_of_file(c->seal_key, &given, e);
	else
		rc = agent_key(c->agent, "bailey-kms/seal", &given, e);
	if (rc == 0)
		kdf_hkdf(given.b, sizeof(given.b), &use, 1, ret);
	return rc;
}

/* The magic and the name. */
static size_t vouched(const char *name, char ret[static AAD_MAX])
{
	int n = str_format(ret, AAD_MAX, "%s:%s", magic, name);

	return n > 0 ? (size_t)n : 0;
}

int seal_write(int dirfd, const char *name, const struct secret32 *key, const void *p, size_t n,
	       struct err *e)
{
	char aad[AAD_MAX];
	const struct aead_text plain = { p, aad, n, vouched(name, aad) };
	auto_free uint8_t *file = NULL;
	int rc;

	if (n > SEAL_MAX)
		return err_set(e, ERR_LIMIT, "%s has more than %d bytes", name, SEAL_MAX);
	file = xcalloc(1, HEAD + n + AEAD_TAG);
	memcpy(file, magic, MAGIC);
	secret_random(file + MAGIC, AEAD_NONCE);
	rc = aead_seal(key, file + MAGIC, &plain, file + HEAD, e);
	inject_point("kms.seal.before");
	if (rc == 0)
		rc = file_replace(dirfd, name, 0600, file, HEAD + n + AEAD_TAG, e);
	inject_point("kms.seal.after");
	return rc;
}

static int unseal(const char *name, const struct secret32 *key, const struct buf *file,
		  struct buf *ret, struct err *e)
{
	char aad[AAD_MAX];
	const struct aead_text sealed = { file->p + HEAD, aad, file->n - HEAD, vouched(name, aad) };
	int rc = secret_buf_init(ret, sealed.n - AEAD_TAG + 1);

	if (rc < 0)
		return err_set(e, rc, "no memory");
	ret->n = sealed.n - AEAD_TAG;
	return aead_open(key, file->p + MAGIC, &sealed, ret->p, e);
}

int seal_read(int dirfd, const char *name, const struct secret32 *key, struct buf *ret,
	      struct err *e)
{
	auto_buf struct buf file = BUF_MAX(0);
	int rc = file_read(dirfd, name, SEAL_MAX + HEAD + AEAD_TAG, &file, e);

	if (rc < 0)
		return rc;
	if (file.n < HEAD + AEAD_TAG || memcmp(file.p, magic, MAGIC) != 0)
		return err_set(e, ERR_CORRUPT, "%s is no sealed file of ours", name);
	rc = unseal(name, key, &file, ret, e);
	if (rc < 0) {
		secret_buf_deinit(ret);
		return err_set(e, ERR_CORRUPT,
			       "%s does not open: it was sealed with another key, by another guest "
			       "or compose, or was changed",
			       name);
	}
	return 0;
}
