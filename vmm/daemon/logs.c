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
#include "daemon/tail.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "loop/http_server.h"

static const char heartbeat[] = "[vmm heartbeat]\n";

struct log_stream {
	struct log_stream *next;
	struct daemon *d;
	struct http_stream *http; /* NULL: closed */
	uv_timer_t poll;
	bool timer_open;
	struct tail tail;
	int dirfd;
	char name[128];
	struct ansi ansi;
	bool keeps_ansi, follows, has_ended;
	bool is_full; /* more than the client took; drained() goes on */
	uint64_t quiet_since;
};

struct query {
	char id[VM_ID_MAX + 1];
	bool follow, ansi;
	uint64_t lines;
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
	tail_close(&s->tail);
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

/* Give the client what there is, as far as it takes it. */
static void pump(struct log_stream *s)
{
	uint8_t buf[8192 - 1024];
	size_t queued = 0;
	ssize_t n;

	while (s->http && !s->has_ended && queued < LOGS_QUEUE_MAX) {
		n = tail_read(&s->tail, buf, sizeof(buf));
		if (n < 0 || (n == 0 && !s->follows)) {
			end(s);
			return;
		}
		if (n == 0)
			break;
		s->quiet_since = time_mono_ms();
		if (!s->keeps_ansi)
			n = (ssize_t)ansi_strip(&s->ansi, buf, buf, (size_t)n);
		queued = n ? http_stream_write(s->http, buf, (size_t)n) : queued;
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
	pump(s);
	if (s->http && time_mono_ms() - s->quiet_since >= LOGS_HEARTBEAT_MS) {
		s->quiet_since = time_mono_ms();
		(void)http_stream_write(s->http, heartbeat, sizeof(heartbeat) - 1);
	}
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
	int has_id;

	*q = (struct query){ .lines = LOGS_LINES };
	has_id = api_query(r, "id", q->id, sizeof(q->id));
	if (!has_id || read_flag(r, "follow", &q->follow) || read_flag(r, "ansi", &q->ansi))
		return 422;
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
			char *name, size_t size)
{
	static const char *const own[] = { "serial", "stdout", "vsock" };
	char path[512];
	char *slash;
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (str_equal(q->channel, own[i])) {
			(void)str_format(name, size, "%s.log", own[i]);
			return fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
		}
	}
	if (!str_equal(q->channel, "stderr") ||
	    hypervisor_log_path(d->hypervisor, vm->manifest.id, path, sizeof(path)) < 0)
		return -1;
	slash = strrchr(path, '/');
	if (!slash || str_copy(name, size, slash + 1) < 0)
		return -1;
	*slash = 0;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
	s->http = http_reply_stream(r, 200, "text/plain; charset=utf-8", drained, stream_closed, s);
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

void logs_serve(struct daemon *d, struct http_request *r)
{
	struct log_stream *s;
	const struct vm *vm;
	struct query q;
	char name[128];
	int status = read_query(r, &q), fd;

	if (status) {
		api_text(r, status,
			 "/logs?id=ID[&follow=true|false][&ansi=true|false][&lines=N]"
			 "[&ch=serial|stdout|stderr|vsock]\n");
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
	fd = open_channel(d, vm, &q, name, sizeof(name));
	if (fd < 0) {
		refuse_channel(r, &q);
		return;
	}
	s = xnew(struct log_stream);
	s->d = d;
	s->dirfd = fd;
	s->keeps_ansi = q.ansi;
	s->follows = q.follow;
	(void)str_copy(s->name, sizeof(s->name), name);
	(void)tail_open(&s->tail, fd, s->name,
			q.lines); /* a file that does not open reads as empty */
	start_stream(s, r);
}

void logs_stop(struct daemon *d)
{
	struct log_stream *s;

	for (s = d->log_streams; s; s = s->next)
		end(s);
}
