/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "rpc/rpc.h"

enum { WORD_MAX = 512, HOUR_MS = 60 * 60 * 1000 };

static const char name[] = "audit.jsonl", before[] = "audit.jsonl.1";

static int open_file(struct audit *a)
{
	struct stat st;

	a->fd = openat(a->dirfd, name,
		       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (a->fd < 0)
		return -errno;
	if (fstat(a->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		a->fd = fd_close(a->fd);
		return -EINVAL;
	}
	a->size = (uint64_t)st.st_size;
	return 0;
}

int audit_open(struct audit *a, const char *folder, struct err *e)
{
	int rc;

	*a = AUDIT_NULL;
	a->max = AUDIT_MAX;
	a->dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = a->dirfd < 0 ? -errno : open_file(a);
	if (rc) {
		audit_close(a);
		return err_errno(e, -rc, "cannot open '%s/%s'", folder, name);
	}
	return 0;
}

void audit_close(struct audit *a)
{
	a->fd = fd_close(a->fd);
	a->dirfd = fd_close(a->dirfd);
}

static void move_on(struct audit *a)
{
	if (renameat(a->dirfd, name, a->dirfd, before) < 0)
		return; /* it grows, rather than being lost */
	a->fd = fd_close(a->fd);
	if (open_file(a))
		log_error("audit: cannot begin a new %s; calls are not recorded", name);
}

static json_t *word(const char *s)
{
	char text[WORD_MAX];

	return json_string(str_escape(text, sizeof(text), s, strlen(s)));
}

/*
 * Who may only read can be refused as often as he likes, and a page of another site can make a browser send any
 * number of GETs: without a ration they would push what was really done out of both files.
 */
static bool is_left_out(struct audit *a, const struct rpc_outcome *o)
{
	uint64_t now = time_mono_ms();

	if (o->status != 403 && o->status != 405)
		return false;
	if (!a->hour_ms || now - a->hour_ms >= HOUR_MS) {
		a->hour_ms = now;
		a->n_refusals = 0;
	}
	if (a->n_refusals == AUDIT_REFUSALS)
		log_warn("audit: %d calls refused within an hour; more of them are not recorded",
			 AUDIT_REFUSALS);
	return a->n_refusals++ >= AUDIT_REFUSALS;
}

void audit_add(struct audit *a, const struct rpc_outcome *o)
{
	auto_free char *text = NULL, *line = NULL;
	char at[32];
	json_t *j;

	if (a->fd < 0 || is_left_out(a, o))
		return;
	if (a->size >= a->max)
		move_on(a);
	j = json_pack("{s:s, s:o, s:s, s:o, s:i}", "at",
		      time_rfc3339(at, sizeof(at), time_unix_ms() / 1000), "who",
		      word(o->peer->name), "method", o->method->name, "about", word(o->subject),
		      "status", o->status);
	if (o->error)
		(void)json_object_set_new(j, "error", word(o->error));
	text = json_compact_ascii(j);
	json_decref(j);
	line = xasprintf("%s\n", text);
	if (a->fd < 0 || fd_write_all(a->fd, line, strlen(line)) < 0) {
		if (a->n_lost++ == 0)
			log_error("audit: cannot write %s: calls are not recorded", name);
		return;
	}
	a->size += strlen(line);
}
