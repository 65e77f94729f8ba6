/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/notices.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "guest-stub/host_call.h"
#include "guest-stub/notice_queue.h"
#include "guest-stub/supervisor.h"
#include "guest-stub/vsock_url.h"

enum { PACKET_MAX = NOTICE_EVENT_MAX + 1 + NOTICE_PAYLOAD_MAX };

int notices_start(struct notices *n, struct supervisor *s, const char *url, struct err *e)
{
	static const char *const argv[] = { "/proc/self/exe", "notifier", NULL };
	struct supervisor_spawn how = { .argv = argv, .extra = -1 };
	int pair[2], r;

	*n = (struct notices){ .fd = -1, .supervisor = s };
	if (url[0] == 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "notifier socket");
	how.input = pair[1];
	r = supervisor_start(s, SUPERVISOR_NOTIFIER, &how, e);
	(void)fd_close(pair[1]);
	if (r < 0) {
		(void)fd_close(pair[0]);
		return r;
	}
	n->fd = pair[0];
	(void)send(n->fd, url, strlen(url), MSG_DONTWAIT | MSG_NOSIGNAL);
	return 0;
}

void notices_send(struct notices *n, const char *event, const char *payload)
{
	size_t n_event = strlen(event), n_payload = strlen(payload);
	char packet[PACKET_MAX], shown[256];

	log_info("notice: %s: %s", event, str_escape(shown, sizeof(shown), payload, n_payload));
	if (n->fd < 0 || n_event > NOTICE_EVENT_MAX)
		return;
	if (n_payload > NOTICE_PAYLOAD_MAX)
		n_payload = NOTICE_PAYLOAD_MAX;
	memcpy(packet, event, n_event + 1);
	memcpy(packet + n_event + 1, payload, n_payload);
	if (send(n->fd, packet, n_event + 1 + n_payload, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_warn("notice: %s is lost: %s", event, err_name(-errno));
}

void notices_finish(struct notices *n, unsigned int timeout_ms)
{
	char how[96];

	if (n->fd < 0)
		return;
	n->fd = fd_close(n->fd);
	if (supervisor_wait_end(n->supervisor, SUPERVISOR_NOTIFIER, timeout_ms) < 0) {
		log_warn("notice: the host did not take all notices in %u ms", timeout_ms);
		supervisor_signal(n->supervisor, SUPERVISOR_NOTIFIER, SIGKILL);
	} else if (n->supervisor->slots[SUPERVISOR_NOTIFIER].status != 0) {
		log_warn("notice: the notifier %s",
			 supervisor_how_it_ended(how, sizeof(how),
						 n->supervisor->slots[SUPERVISOR_NOTIFIER].status));
	}
}

/* The longest prefix of at most NOTICE_PAYLOAD_MAX bytes that does not end inside a character. */
static size_t whole_characters(const char *s, size_t n)
{
	if (n <= NOTICE_PAYLOAD_MAX && str_is_utf8(s, n))
		return n;
	if (n > NOTICE_PAYLOAD_MAX)
		n = NOTICE_PAYLOAD_MAX;
	while (n > 0 && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && ((unsigned char)s[n - 1] & 0xc0) == 0xc0)
		n--;
	return n;
}

char *notices_body(const char *event, const char *payload, size_t n)
{
	char escaped[NOTICE_PAYLOAD_MAX + 1];
	size_t keep = whole_characters(payload, n);
	json_t *j;
	char *text;

	if (!str_is_utf8(payload, keep)) {
		payload = str_escape(escaped, sizeof(escaped), payload, n);
		keep = strlen(payload);
	}
	j = json_pack("{s:s, s:s%}", "event", event, "payload", payload, keep);
	text = json_compact_ascii(j);
	json_decref(j);
	return text;
}

/* Is this answer about the host, and not about the notice? */
static bool is_for_now(int status)
{
	return status == 429 || (status >= 502 && status <= 504);
}

/* An answer that refuses the notice is final. */
static int deliver(void *arg, const char *packet, size_t n)
{
	size_t n_event = strnlen(packet, n);
	struct host_call c = { .url = arg, .method = "Notify", .timeout_ms = NOTICE_TRY_MS };
	auto_free char *body = notices_body(packet, packet + n_event + 1, n - n_event - 1);
	struct err e = ERR_NONE;
	int status = 0, r;

	c.body = body;
	c.n = strlen(body);
	r = host_call_run(&c, &status, &e);
	if (r < 0 || is_for_now(status))
		return r < 0 ? r : -EAGAIN;
	if (status != 200)
		log_warn("notice: %s: the host answered %d", packet, status);
	return 0;
}

/* Take what comes within @wait_ms (negative: until something does).  Return: false: no more will come. */
static bool take(struct notice_queue *q, int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char packet[PACKET_MAX];
	ssize_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return true;
	n = recv(fd, packet, sizeof(packet), 0);
	if (n > 0 && memchr(packet, 0, (size_t)n))
		notice_queue_add(q, packet, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Pause, but not from listening.  Return: false: no more will come. */
static bool wait_and_take(struct notice_queue *q, int fd, uint64_t until)
{
	uint64_t now;

	while ((now = time_mono_ms()) < until) {
		if (!take(q, fd, (int)(until - now))) {
			(void)poll(NULL, 0, (int)(until - now));
			return false;
		}
	}
	return true;
}

void notices_pump(int fd, notice_try_fn try, void *arg)
{
	struct notice_queue q = NOTICE_QUEUE_NULL;
	unsigned int pause_ms = 0;
	bool is_open = true;
	size_t dropped = 0;

	while (is_open || q.n > 0) {
		if (is_open)
			is_open = pause_ms ? wait_and_take(&q, fd, time_mono_ms() + pause_ms)
					   : take(&q, fd, q.n ? 0 : -1);
		else if (pause_ms)
			(void)poll(NULL, 0, (int)pause_ms);
		if (q.n == 0)
			continue;
		if (try(arg, q.items[0].packet, q.items[0].n) == 0) {
			notice_queue_pop(&q);
			pause_ms = 0;
		} else if (pause_ms == 0) {
			pause_ms = NOTICE_PAUSE_MS;
			log_warn("notice: the host does not answer; it is tried again");
		} else if (pause_ms < NOTICE_PAUSE_MAX_MS) {
			pause_ms *= 2;
		}
		if (q.n_dropped > dropped)
			log_warn("notice: %zu dropped, as too many wait for the host",
				 q.n_dropped - dropped);
		dropped = q.n_dropped;
	}
	notice_queue_deinit(&q);
}

int notices_run(void)
{
	char packet[PACKET_MAX + 1];
	struct err e = ERR_NONE;
	struct vsock_url u;
	ssize_t n = recv(STDIN_FILENO, packet, PACKET_MAX, 0);

	log_init(LOG_LEVEL_INFO);
	if (n <= 0)
		return 1;
	packet[n] = 0;
	if (vsock_url_parse(packet, &u, &e) < 0) {
		log_warn("notice: nothing is sent: %s", e.text);
		return 1;
	}
	notices_pump(STDIN_FILENO, deliver, &u);
	return 0;
}
