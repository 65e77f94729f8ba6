/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/time.h"
#include "daemon/config_api.h"

enum { LOOK_EACH_MS = 1000 };

/* Has the file changed since it was last looked at?  A time alone can be the same twice. */
static bool look(struct secret_file *f)
{
	struct stat st = { .st_size = -1 };
	bool is_same;

	if (!f->path)
		return false;
	if (lstat(f->path, &st) < 0)
		st.st_ino = 0;
	is_same = st.st_ino == f->inode && st.st_size == f->size &&
		  st.st_mtim.tv_sec == f->changed.tv_sec &&
		  st.st_mtim.tv_nsec == f->changed.tv_nsec;
	f->inode = st.st_ino;
	f->size = st.st_size;
	f->changed = st.st_mtim;
	return !is_same;
}

static int read_tokens(struct secrets *s, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct tokens *new;
	int rc = own_file_read(s->tokens_file.path, TOKENS_FILE_MAX, &b, e);

	if (rc)
		return rc;
	new = xnew(struct tokens);
	rc = tokens_parse((const char *)b.p, b.n, s->tokens_file.path, new, e);
	if (!rc)
		s->tokens = *new;
	explicit_bzero(b.p, b.n);
	free(new);
	return rc;
}

static int read_htpasswd(struct secrets *s, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct htpasswd *new;
	int rc = own_file_read(s->htpasswd_file.path, HTPASSWD_FILE_MAX, &b, e);

	if (rc)
		return rc;
	new = xnew(struct htpasswd);
	rc = htpasswd_parse((const char *)b.p, b.n, s->htpasswd_file.path, new, e);
	if (!rc)
		s->htpasswd = *new;
	free(new);
	return rc;
}

int secrets_load(struct secrets *s, const struct config_api *c, struct err *e)
{
	int rc = 0;

	s->tokens_file.path = c->tokens_file;
	s->htpasswd_file.path = c->htpasswd_file;
	s->looked_ms = time_mono_ms();
	(void)look(&s->tokens_file);
	(void)look(&s->htpasswd_file);
	if (c->tokens_file)
		rc = read_tokens(s, e);
	if (!rc && c->htpasswd_file)
		rc = read_htpasswd(s, e);
	return rc;
}

bool secrets_refresh(struct secrets *s, bool now)
{
	uint64_t ms = time_mono_ms();
	bool tokens, htpasswd, is_wrong = false;
	struct err e = ERR_NONE;

	if (!now && ms - s->looked_ms < LOOK_EACH_MS)
		return false;
	s->looked_ms = ms;
	tokens = look(&s->tokens_file) || (now && s->tokens_file.path);
	htpasswd = look(&s->htpasswd_file) || (now && s->htpasswd_file.path);
	if (!tokens && !htpasswd)
		return false;
	/* both, so that is_stale speaks of both; what is wrong with one keeps nobody in the other */
	if (s->tokens_file.path && read_tokens(s, &e)) {
		log_error("api: %s; the tokens before stay in effect", e.text);
		is_wrong = true;
	}
	if (s->htpasswd_file.path && read_htpasswd(s, &e)) {
		log_error("api: %s; the users before stay in effect", e.text);
		is_wrong = true;
	}
	if (!is_wrong)
		log_info("api: read who may call again: %zu tokens, %zu users", s->tokens.n,
			 s->htpasswd.n);
	s->is_stale = is_wrong;
	return true;
}
