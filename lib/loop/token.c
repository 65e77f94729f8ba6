/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "loop/http_server.h"

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

static bool is_right(const char *text)
{
	size_t n = strlen(text);

	return n >= TOKEN_MIN && n <= TOKEN_MAX && is_printable(text);
}

int token_read(const char *path, char **ret, struct err *e)
{
	struct buf b = BUF_MAX(0);
	size_t n;
	int rc = own_file_read(path, 2 * TOKEN_MAX, &b, e);

	if (rc == 0) {
		n = strcspn((const char *)b.p, "\n");
		b.p[n] = '\0';
		if (!is_right((const char *)b.p)) {
			rc = err_set(e, ERR_INPUT,
				     "'%s' does not hold a token of %d to %d printable characters",
				     path, TOKEN_MIN, TOKEN_MAX);
		} else {
			*ret = xstrdup((const char *)b.p);
		}
	}
	secret_buf_deinit(&b);
	return rc;
}

int token_take_environment(const char *name, char **ret, struct err *e)
{
	char *text = getenv(name);
	int rc = 0;

	*ret = NULL;
	if (text && *text && !is_right(text))
		rc = err_set(e, ERR_INPUT,
			     "the environment's %s is not a token of %d to %d printable characters",
			     name, TOKEN_MIN, TOKEN_MAX);
	else if (text && *text)
		*ret = xstrdup(text);
	if (text)
		secret_wipe(text, strlen(text));
	(void)unsetenv(name);
	return rc;
}

/* By digests: neither length nor content shows in the time it takes. */
static bool is_same(const char *shown, const char *token)
{
	struct digest256 a = digest256_bytes(shown, strlen(shown));
	struct digest256 b = digest256_bytes(token, strlen(token));

	return secret_equal(a.b, b.b, sizeof(a.b));
}

bool token_is_shown(const struct http_request *r, const char *token)
{
	static const char scheme[] = "Bearer ";
	const char *shown = http_request_header(r, "Authorization");

	if (shown && strncasecmp(shown, scheme, sizeof(scheme) - 1) == 0)
		return is_same(shown + sizeof(scheme) - 1, token);
	shown = http_request_header(r, "X-Admin-Token");
	return shown && is_same(shown, token);
}
