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
#include "base/file.h"
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

static const char file_name[] = "events.jsonl", aside_name[] = ".events.jsonl.new",
		  tidy_name[] = ".events.jsonl.tidy";

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
	ev->size = size;
	/* A torn last line must not swallow the next event: end it. */
	if (!n || text[n - 1] == '\n')
		return 0;
	ev->size++;
	return fd_write_all(fd, "\n", 1);
}

int events_open(struct events *ev, int dirfd, size_t max, struct err *e)
{
	int fd, rc;

	assert(max >= 1 && max <= EVENTS_MAX);
	(void)unlinkat(dirfd, aside_name, 0); /* of a crash */
	(void)unlinkat(dirfd, tidy_name, 0);
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

/* Lines of the events after @seq. */
static int add_lines(struct buf *b, const struct events *ev, uint64_t seq, size_t *ret_n)
{
	size_t i, n = 0;
	int rc = 0;

	for (i = 0; i < ev->n && !rc; i++) {
		if (events_at(ev, i)->seq <= seq)
			continue;
		rc = add_line(b, events_at(ev, i));
		n++;
	}
	*ret_n = n;
	return rc;
}

/* Return: a descriptor of what was written, and synced; or negative, and there is nothing. */
static int write_aside(int dirfd, const char *name, const struct buf *b)
{
	auto_close int fd = -1;
	int rc;

	(void)unlinkat(dirfd, name, 0);
	fd = openat(dirfd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	rc = fd_write_all(fd, b->p, b->n);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	inject_point("events.aside-written");
	if (!rc)
		return steal_fd(&fd);
	(void)unlinkat(dirfd, name, 0);
	return rc;
}

/* The file is now what @name was, open as *@fd. */
static int put_in_place(struct events *ev, const char *name, int *fd)
{
	int rc;

	if (renameat(ev->dirfd, name, ev->dirfd, file_name) < 0) {
		rc = -errno;
		(void)unlinkat(ev->dirfd, name, 0);
		return rc;
	}
	inject_point("events.renamed");
	(void)fd_close(ev->fd);
	ev->fd = steal_fd(fd);
	ev->n_rewrites++;
	return 0;
}

/*
 * Rewrite the file with what the ring holds.  Aside, synced and renamed, so that a reader or a crash sees one or
 * the other, and a crash of the host not an empty one.
 */
static int compact(struct events *ev)
{
	auto_buf struct buf b = BUF_MAX(ev->max * LINE_MAX_BYTES);
	auto_close int fd = -1;
	size_t n;
	int rc = add_lines(&b, ev, 0, &n);

	if (rc)
		return rc;
	fd = write_aside(ev->dirfd, aside_name, &b);
	rc = fd < 0 ? fd : put_in_place(ev, aside_name, &fd);
	if (rc)
		return rc;
	ev->n_lines = n;
	ev->size = (off_t)b.n;
	return file_sync_dir(ev->dirfd, ".", NULL);
}

bool events_want_rewrite(const struct events *ev)
{
	return ev->fd >= 0 && ev->n_lines > 2 * ev->max && !ev->behind_since_ms;
}

int events_rewrite_begin(const struct events *ev, struct events_rewrite *r)
{
	*r = (struct events_rewrite){
		.dirfd = fcntl(ev->dirfd, F_DUPFD_CLOEXEC, 0),
		.fd = -1,
		.text = BUF_MAX(ev->max * LINE_MAX_BYTES),
		.last_seq = ev->last_seq,
		.n_rewrites = ev->n_rewrites,
	};
	return r->dirfd < 0 ? -errno : add_lines(&r->text, ev, 0, &r->n_lines);
}

void events_rewrite_run(struct events_rewrite *r)
{
	r->fd = write_aside(r->dirfd, tidy_name, &r->text);
	r->rc = r->fd < 0 ? r->fd : 0;
	if (r->rc)
		r->fd = -1;
}

int events_rewrite_end(struct events_rewrite *r, struct events *ev)
{
	auto_buf struct buf more = BUF_MAX(ev->max * LINE_MAX_BYTES);
	int rc = r->rc;
	size_t n = 0;

	/* A full disk, or a flood, had it rewritten on the spot: that has all. */
	if (!rc && (ev->behind_since_ms || ev->n_rewrites != r->n_rewrites))
		rc = -ESTALE;
	if (!rc)
		rc = add_lines(&more, ev, r->last_seq, &n);
	if (!rc)
		rc = fd_write_all(r->fd, more.p, more.n);
	if (rc)
		(void)unlinkat(r->dirfd, tidy_name, 0);
	else
		rc = put_in_place(ev, tidy_name, &r->fd);
	if (rc)
		return rc;
	ev->n_lines = r->n_lines + n;
	ev->size = (off_t)(r->text.n + more.n);
	return 0;
}

int events_rewrite_sync(const struct events_rewrite *r)
{
	return file_sync_dir(r->dirfd, ".", NULL);
}

void events_rewrite_deinit(struct events_rewrite *r)
{
	r->dirfd = fd_close(r->dirfd);
	r->fd = fd_close(r->fd);
	buf_deinit(&r->text);
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

/* A line that was written in part: the file holds whole ones. */
static int take_back(const struct events *ev)
{
	if (lseek(ev->fd, 0, SEEK_END) > ev->size && ftruncate(ev->fd, ev->size) < 0)
		return -errno;
	return 0;
}

static int append(struct events *ev, const struct event *x)
{
	auto_buf struct buf b = BUF_MAX(LINE_MAX_BYTES);
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
		(void)take_back(ev); /* a line too many is skipped when it is read */
		return rc;
	}
	inject_point("events.appended");
	ev->size += (off_t)b.n;
	ev->n_lines++;
	return ev->n_lines > 4 * ev->max ? compact(ev) : 0;
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
