/* SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"

enum {
	ROOM_MIN = 16, /* events; the ring doubles from there */
	LINE_MAX_BYTES = (EVENT_NAME_MAX + EVENT_BODY_MAX) * 6 + 256,
	LOAD_MAX = 64 * 1024 * 1024,
	CATCH_UP_MS = 5000,
};

static const char file_name[] = "events.jsonl", aside_name[] = ".events.jsonl.new";

const struct event *events_at(const struct events *ev, size_t i)
{
	assert(i < ev->n);
	return &ev->ring[(ev->first + i) % ev->max];
}

static void event_deinit(struct event *x)
{
	free(x->name);
	free(x->body);
	*x = (struct event){ .seq = 0 };
}

/* The ring grows to its full size only for who uses it: most VMs say some twenty things, once. */
static void make_room(struct events *ev)
{
	size_t cap = ev->cap ? 2 * ev->cap : ROOM_MIN;
	struct event *p;

	if (ev->n < ev->cap)
		return;
	assert(ev->first == 0); /* nothing was dropped yet */
	if (cap > ev->max)
		cap = ev->max;
	p = reallocarray(ev->ring, cap, sizeof(*p));
	if (!p)
		abort();
	ev->ring = p;
	ev->cap = cap;
}

static bool is_ours(const struct event *x)
{
	return str_starts(x->name, "vmm.");
}

/* Which one goes when there is no room: the oldest of the guest's, unless ours have more than their share. */
static size_t least(const struct events *ev)
{
	size_t i, ours = 0, first_ours = ev->n, first_guests = ev->n;

	for (i = ev->n; i > 0; i--) {
		if (is_ours(events_at(ev, i - 1))) {
			first_ours = i - 1;
			ours++;
		} else {
			first_guests = i - 1;
		}
	}
	return ours > ev->max / EVENTS_SHARE || first_guests == ev->n ? first_ours : first_guests;
}

/* Drop the @i-th: the older ones move up. */
static void drop(struct events *ev, size_t i)
{
	event_deinit(&ev->ring[(ev->first + i) % ev->max]);
	for (; i > 0; i--)
		ev->ring[(ev->first + i) % ev->max] = ev->ring[(ev->first + i - 1) % ev->max];
	ev->first = (ev->first + 1) % ev->max;
	ev->n--;
}

static void keep(struct events *ev, const struct event *x)
{
	if (ev->n == ev->max)
		drop(ev, least(ev));
	make_room(ev);
	ev->ring[(ev->first + ev->n) % ev->max] = *x;
	ev->n++;
	ev->last_seq = x->seq;
}

static int add_line(struct buf *b, const struct event *x)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s}", "seq", (json_int_t)x->seq, "timestamp",
			      (json_int_t)x->at_ms, "generation", (json_int_t)x->generation,
			      "event", x->name, "body", x->body);
	auto_free char *text = NULL;
	int rc;

	if (!j)
		return -ENOMEM;
	text = json_compact(j);
	json_decref(j);
	rc = buf_add_str(b, text);
	return rc ? rc : buf_add_str(b, "\n");
}

/* A line that does not parse (torn by a crash, or not ours) is skipped. */
static void load_line(struct events *ev, const char *line, size_t n)
{
	struct event x;
	json_t *j = NULL;

	ev->n_lines++;
	if (json_parse(line, n, LINE_MAX_BYTES, file_name, &j, NULL))
		return;
	x = (struct event){
		.seq = json_get_u64(j, "seq", 0),
		.at_ms = json_get_u64(j, "timestamp", 0),
		.generation = json_get_u64(j, "generation", 0),
		.name = xstrdup(json_get_str(j, "event", "")),
		.body = xstrdup(json_get_str(j, "body", "")),
	};
	json_decref(j);
	if (x.seq > ev->last_seq && *x.name)
		keep(ev, &x);
	else
		event_deinit(&x);
}

static void load_text(struct events *ev, char *text)
{
	char *line = text, *end;

	while (*line) {
		end = strchrnul(line, '\n');
		if (end > line)
			load_line(ev, line, (size_t)(end - line));
		line = *end ? end + 1 : end;
	}
}

/* All of the file, or its last LOAD_MAX bytes if someone else made it longer than we would. */
static int load(struct events *ev, int fd)
{
	auto_free char *text = NULL;
	off_t size = lseek(fd, 0, SEEK_END), from;
	ssize_t n;

	if (size < 0)
		return -errno;
	from = size > LOAD_MAX ? size - LOAD_MAX : 0;
	text = malloc((size_t)(size - from) + 1);
	if (!text)
		return -ENOMEM;
	if (lseek(fd, from, SEEK_SET) < 0)
		return -errno;
	n = fd_read_full(fd, text, (size_t)(size - from));
	if (n < 0)
		return (int)n;
	text[n] = 0;
	load_text(ev, text);
	/* A torn last line must not swallow the next event: end it. */
	if (n && text[n - 1] != '\n')
		return fd_write_all(fd, "\n", 1);
	return 0;
}

int events_open(struct events *ev, int dirfd, size_t max, struct err *e)
{
	int fd, rc;

	assert(max >= 1 && max <= EVENTS_MAX);
	(void)unlinkat(dirfd, aside_name, 0); /* of a crash */
	fd = openat(dirfd, file_name,
		    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", file_name);
	*ev = (struct events){
		.max = max,
		.dirfd = dirfd,
		.fd = fd,
	};
	rc = load(ev, fd);
	if (rc) {
		events_close(ev);
		return err_errno(e, -rc, "cannot read %s", file_name);
	}
	return 0;
}

void events_close(struct events *ev)
{
	size_t i;

	for (i = 0; i < ev->n; i++)
		event_deinit(&ev->ring[(ev->first + i) % ev->max]);
	free(ev->ring);
	ev->fd = fd_close(ev->fd);
	*ev = EVENTS_NULL;
}

/*
 * Rewrite the file with what the ring holds.  Aside and renamed, so that a reader or a crash sees
 * one or the other; not fsynced, like the appends.
 */
static int compact(struct events *ev)
{
	auto_buf struct buf b = BUF_MAX(ev->max * LINE_MAX_BYTES);
	auto_close int fd = -1;
	size_t i;
	int rc;

	for (i = 0; i < ev->n; i++) {
		rc = add_line(&b, events_at(ev, i));
		if (rc)
			return rc;
	}
	(void)unlinkat(ev->dirfd, aside_name, 0);
	fd = openat(ev->dirfd, aside_name,
		    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = fd_write_all(fd, b.p, b.n);
	inject_point("events.aside-written");
	if (rc == 0 && renameat(ev->dirfd, aside_name, ev->dirfd, file_name) < 0)
		rc = -errno;
	if (rc) {
		(void)unlinkat(ev->dirfd, aside_name, 0);
		return rc;
	}
	inject_point("events.renamed");
	(void)fd_close(ev->fd);
	ev->fd = steal_fd(&fd);
	ev->n_lines = ev->n;
	return 0;
}

/* The disk did not take an event: it is tried again with all of them, but not at each one that comes. */
static int catch_up(struct events *ev)
{
	uint64_t now = time_mono_ms();
	int rc;

	if (now - ev->behind_since_ms < CATCH_UP_MS)
		return -ENOSPC;
	rc = compact(ev);
	ev->behind_since_ms = rc ? now : 0;
	return rc;
}

/* A line that was written in part is taken back: the file holds whole ones. */
static int append(struct events *ev, const struct event *x)
{
	auto_buf struct buf b = BUF_MAX(LINE_MAX_BYTES);
	off_t size = lseek(ev->fd, 0, SEEK_END);
	int rc;

	if (ev->behind_since_ms)
		return catch_up(ev);
	rc = add_line(&b, x);
	if (!rc)
		rc = inject_error("events.append");
	if (!rc)
		rc = fd_write_all(ev->fd, b.p, b.n);
	if (rc) {
		ev->behind_since_ms = time_mono_ms();
		return size < 0 || ftruncate(ev->fd, size) < 0 ? -errno : rc;
	}
	inject_point("events.appended");
	ev->n_lines++;
	return ev->n_lines > 2 * ev->max ? compact(ev) : 0;
}

int events_settle(struct events *ev, struct err *e)
{
	int rc;

	if (!ev->behind_since_ms)
		return 0;
	ev->behind_since_ms = 1; /* long ago */
	rc = catch_up(ev);
	return rc ? err_errno(e, -rc, "cannot write %s", file_name) : 0;
}

static int check_text(const char *what, const char *s, size_t max, struct err *e)
{
	size_t n = strlen(s);

	if (n > max)
		return err_set(e, ERR_INPUT, "%s is longer than %zu bytes", what, max);
	if (!str_is_utf8(s, n))
		return err_set(e, ERR_INPUT, "%s is not UTF-8", what);
	return 0;
}

int events_add(struct events *ev, uint64_t generation, const char *name, const char *body,
	       struct err *e)
{
	struct event x;
	int rc = check_text("event name", name, EVENT_NAME_MAX, e);

	if (!rc)
		rc = check_text("event body", body, EVENT_BODY_MAX, e);
	if (rc)
		return rc;
	x = (struct event){
		.seq = ev->last_seq + 1,
		.at_ms = time_unix_ms(),
		.generation = generation,
		.name = xstrdup(name),
		.body = xstrdup(body),
	};
	keep(ev, &x);
	rc = append(ev, &x);
	return rc ? err_errno(e, -rc, "cannot write %s", file_name) : 0;
}
