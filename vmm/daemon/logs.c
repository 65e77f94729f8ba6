/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a stream lives until its HTTP stream is closed and its timer's handle is; the
 * callback of the second of the two frees it.
 */
#include "daemon/logs.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <uv.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/ansi.h"
#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/log_index.h"
#include "daemon/log_reader.h"
#include "daemon/qemu_log.h"
#include "daemon/vm.h"
#include "loop/http_server.h"

enum { PIECE_MAX = 3 * 1024 };

static const char heartbeat[] = "[vmm heartbeat]\n";

struct log_stream {
	struct log_stream *next;
	struct daemon *d;
	struct http_stream *http; /* NULL: closed */
	uv_timer_t poll;
	bool timer_open;
	struct log_reader reader;
	int dirfd;
	char id[VM_ID_MAX + 1];
	char name[LOG_NAME_MAX];
	struct ansi ansi;
	bool keeps_ansi, follows, frames, has_ended;
	bool is_full; /* more than the client took; drained() goes on */
	uint64_t quiet_since;
};

struct query {
	char id[VM_ID_MAX + 1];
	bool follow, ansi, all, frames, has_from;
	uint64_t lines, from;
	char channel[16];
};

static void release(struct log_stream *s)
{
	struct log_stream **at = &s->d->log_streams;

	if (s->http || s->timer_open)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->d->n_log_streams--;
	log_reader_close(&s->reader);
	(void)fd_close(s->dirfd);
	free(s);
}

static void timer_closed(uv_handle_t *h)
{
	struct log_stream *s = h->data;

	s->timer_open = false;
	release(s);
}

static void close_timer(struct log_stream *s)
{
	if (s->timer_open && !uv_is_closing((uv_handle_t *)&s->poll))
		uv_close((uv_handle_t *)&s->poll, timer_closed);
}

static void stream_closed(void *arg)
{
	struct log_stream *s = arg;

	s->http = NULL;
	close_timer(s);
	release(s);
}

static void end(struct log_stream *s)
{
	if (!s->has_ended && s->http) {
		s->has_ended = true;
		http_stream_end(s->http);
	}
}

/* "@from to n" before a piece, or words where bytes are gone.  Return: bytes queued. */
static size_t announce(struct log_stream *s, uint64_t from, uint64_t to, size_t n, uint64_t gone)
{
	char text[96];
	int len = 0;

	if (s->frames)
		len = str_format(text, sizeof(text), "@%llu %llu %zu\n", (unsigned long long)from,
				 (unsigned long long)to, n);
	else if (gone)
		len = str_format(text, sizeof(text),
				 "\n===== %llu bytes were let go before they were read =====\n\n",
				 (unsigned long long)gone);
	return len > 0 ? http_stream_write(s->http, text, (size_t)len) : 0;
}

static size_t send_piece(struct log_stream *s, uint64_t wanted, uint64_t from, const uint8_t *p,
			 size_t n)
{
	uint8_t text[PIECE_MAX + 1];
	uint64_t to = from + n;
	size_t queued;

	if (from != wanted)
		s->ansi = (struct ansi){ .state = ANSI_TEXT };
	if (!s->keeps_ansi) {
		n = ansi_strip(&s->ansi, text, p, n);
		p = text;
	}
	queued = announce(s, from, to, n, from > wanted ? from - wanted : 0);
	return n ? http_stream_write(s->http, p, n) : queued;
}

/* Give the client what there is, as far as it takes it. */
static void pump(struct log_stream *s)
{
	uint8_t buf[PIECE_MAX];
	uint64_t wanted, from;
	size_t queued = 0;
	ssize_t n;

	while (s->http && !s->has_ended && queued < LOGS_QUEUE_MAX) {
		wanted = s->reader.at;
		n = log_reader_read(&s->reader, buf, sizeof(buf), &from);
		if (n < 0 || (n == 0 && !s->follows)) {
			end(s);
			return;
		}
		if (n == 0)
			break;
		s->quiet_since = time_mono_ms();
		queued = send_piece(s, wanted, from, buf, (size_t)n);
	}
	s->is_full = queued >= LOGS_QUEUE_MAX;
}

static void drained(void *arg)
{
	struct log_stream *s = arg;

	s->is_full = false;
	pump(s);
}

static void on_poll(uv_timer_t *t)
{
	struct log_stream *s = t->data;

	if (!s->http || s->has_ended || s->is_full)
		return;
	s->follows = fleet_find(&s->d->fleet, s->id) != NULL; /* removed: the rest, and the end */
	pump(s);
	if (!s->http || s->has_ended || time_mono_ms() - s->quiet_since < LOGS_HEARTBEAT_MS)
		return;
	s->quiet_since = time_mono_ms();
	if (s->frames)
		(void)announce(s, s->reader.at, s->reader.at, 0, 0);
	else
		(void)http_stream_write(s->http, heartbeat, sizeof(heartbeat) - 1);
}

/* true: empty, on, yes, true; false: absent, off, no, false.  Return: 0, or -1 for anything else. */
static int read_flag(const struct http_request *r, const char *key, bool *ret)
{
	static const char *const yes[] = { "", "on", "yes", "true" };
	static const char *const no[] = { "off", "no", "false" };
	char text[16];
	size_t i;
	int rc = api_query(r, key, text, sizeof(text));

	*ret = false;
	if (rc <= 0)
		return rc;
	for (i = 0; i < 4; i++) {
		if (!strcasecmp(text, yes[i])) {
			*ret = true;
			return 0;
		}
	}
	for (i = 0; i < 3; i++) {
		if (!strcasecmp(text, no[i]))
			return 0;
	}
	return -1;
}

/* Return: 0, or the status of the refusal. */
static int read_query(const struct http_request *r, struct query *q)
{
	char text[24];
	int has_id, rc;

	*q = (struct query){ .lines = LOGS_LINES };
	has_id = api_query(r, "id", q->id, sizeof(q->id));
	if (!has_id || read_flag(r, "follow", &q->follow) || read_flag(r, "ansi", &q->ansi) ||
	    read_flag(r, "all", &q->all) || read_flag(r, "frames", &q->frames))
		return 422;
	rc = api_query(r, "from", text, sizeof(text));
	if (rc < 0 || (rc == 1 && num_parse_u64(text, 0, INT64_MAX, &q->from)))
		return 422;
	q->has_from = rc == 1;
	if (has_id < 0) /* too long, or bytes that no id has */
		q->id[0] = 0;
	if (api_query(r, "lines", text, sizeof(text)) == 1 &&
	    num_parse_u64(text, 0, UINT64_MAX, &q->lines))
		q->lines = LOGS_LINES;
	if (api_query(r, "ch", q->channel, sizeof(q->channel)) == 0)
		(void)str_copy(q->channel, sizeof(q->channel), "serial");
	return 0;
}

/* Each channel is a file of the VM's folder, but QEMU's own messages are where libvirt keeps them. */
static int open_channel(const struct daemon *d, const struct vm *vm, const struct query *q,
			char name[static LOG_NAME_MAX])
{
	static const char *const own[] = { "serial", "stdout", "vsock" };
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (str_equal(q->channel, own[i])) {
			(void)str_format(name, LOG_NAME_MAX, "%s.log", own[i]);
			return fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
		}
	}
	return str_equal(q->channel, "stderr") ? qemu_log_open(d, vm->manifest.id, name) : -1;
}

static void start_stream(struct log_stream *s, struct http_request *r)
{
	struct daemon *d = s->d;

	s->next = d->log_streams;
	d->log_streams = s;
	d->n_log_streams++;
	s->quiet_since = time_mono_ms();
	(void)uv_timer_init(d->loop, &s->poll);
	s->poll.data = s;
	s->timer_open = true;
	s->http = http_reply_stream(
		r, 200, s->frames ? "application/octet-stream" : "text/plain; charset=utf-8",
		drained, stream_closed, s);
	if (s->follows)
		(void)uv_timer_start(&s->poll, on_poll, LOGS_POLL_MS, LOGS_POLL_MS);
	pump(s);
}

static const struct vm *find(const struct daemon *d, const struct query *q)
{
	return vm_id_is_valid(q->id) ? fleet_find(&d->fleet, q->id) : NULL;
}

static void refuse_channel(struct http_request *r, const struct query *q)
{
	char shown[64], text[96];

	(void)str_format(text, sizeof(text), "Unknown channel %s",
			 str_escape(shown, sizeof(shown), q->channel, strlen(q->channel)));
	api_text(r, 400, text);
}

static void seek(struct log_stream *s, const struct query *q)
{
	log_reader_open(&s->reader, s->dirfd, s->name);
	if (q->has_from)
		s->reader.at = q->from;
	else if (q->all)
		log_reader_seek_oldest(&s->reader);
	else
		log_reader_seek_lines(&s->reader, q->lines);
}

void logs_serve(struct daemon *d, struct http_request *r)
{
	struct log_stream *s;
	const struct vm *vm;
	struct query q;
	char name[LOG_NAME_MAX];
	int status = read_query(r, &q), fd;

	if (status) {
		api_text(r, status,
			 "/logs?id=ID[&follow=true|false][&ansi=true|false][&lines=N]"
			 "[&ch=serial|stdout|stderr|vsock][&all=true|false][&from=POSITION]"
			 "[&frames=true|false]\n");
		return;
	}
	vm = find(d, &q);
	if (!vm) {
		api_text(r, 404, "VM not found");
		return;
	}
	if (d->n_log_streams >= LOGS_STREAMS_MAX) {
		api_text(r, 429, "too many log streams\n");
		return;
	}
	fd = open_channel(d, vm, &q, name);
	if (fd < 0) {
		refuse_channel(r, &q);
		return;
	}
	s = xnew(struct log_stream);
	s->d = d;
	s->dirfd = fd;
	s->keeps_ansi = q.ansi;
	s->follows = q.follow;
	s->frames = q.frames;
	(void)str_copy(s->name, sizeof(s->name), name);
	(void)str_copy(s->id, sizeof(s->id), q.id);
	seek(s, &q);
	start_stream(s, r);
}

void logs_stop(struct daemon *d)
{
	struct log_stream *s;

	for (s = d->log_streams; s; s = s->next)
		end(s);
}
