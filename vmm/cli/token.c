/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/host.h"

void token_wipe(struct token *t)
{
	explicit_bzero(t, sizeof(*t));
}

/* Visible ASCII, as a header may hold. */
static bool is_token(const char *s)
{
	const char *p;

	for (p = s; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	}
	return p > s;
}

int token_take(const char *text, const char *from, struct token *ret, struct err *e)
{
	if (is_token(text) && str_copy(ret->text, sizeof(ret->text), text) >= 0)
		return 0;
	return err_set(e, ERR_INPUT, "%.200s is no token: visible ASCII, at most %d characters",
		       from, (int)TOKEN_MAX);
}

int token_read(const char *path, struct token *ret, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct token t = { .text = "" };
	struct stat st;
	bool is_whole;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_INPUT, "cannot read the token in %.200s: %s", path,
			       err_name(-errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return err_set(e, ERR_INPUT,
			       "others may read the token in %.200s; chmod 600 it, and have the "
			       "token replaced if this host has other users",
			       path);
	n = fd_read_full(fd, t.text, sizeof(t.text));
	is_whole = n >= 0 && n < (ssize_t)sizeof(t.text);
	t.text[is_whole ? n : 0] = 0;
	t.text[strcspn(t.text, "\r\n")] = 0;
	if (!is_token(t.text)) {
		token_wipe(&t);
		return err_set(e, ERR_INPUT, "%.200s holds no token: one line of visible ASCII",
			       path);
	}
	*ret = t;
	token_wipe(&t);
	return 1;
}

static int from_home(const struct host *h, struct token *ret, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_free char *dir = NULL, *of_host = NULL, *of_all = NULL;
	int rc;

	if (config && *config == '/')
		dir = xasprintf("%s/bailey", config);
	else if (home && *home == '/')
		dir = xasprintf("%s/.config/bailey", home);
	else
		return 0;
	of_host = xasprintf("%s/tokens/%s:%u", dir, h->name, h->port);
	of_all = xasprintf("%s/token", dir);
	rc = token_read(of_host, ret, e);
	return rc == 0 ? token_read(of_all, ret, e) : rc;
}

int token_find(const struct host *h, struct token *ret, struct err *e)
{
	const char *file = getenv("BAILEY_TOKEN_FILE"), *text = getenv("BAILEY_TOKEN");
	int rc;

	*ret = (struct token){ .text = "" };
	if (file && *file) {
		rc = token_read(file, ret, e);
		return rc ? (rc < 0 ? rc : 0)
			  : err_set(e, ERR_INPUT, "BAILEY_TOKEN_FILE: there is no %.200s", file);
	}
	if (text && *text)
		return token_take(text, "BAILEY_TOKEN", ret, e);
	rc = from_home(h, ret, e);
	return rc < 0 ? rc : 0;
}
