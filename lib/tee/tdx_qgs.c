/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tdx_qgs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "tee/tdx.h"
#include "wire/qgs.h"

enum { CONF_MAX = 4096, LINE = 128, LOCK_POLL_MS = 10 };

/* The number after "port", "=" and blanks; 0 if the line says something else. */
static uint32_t port_of_line(const char *line)
{
	char number[LINE];
	uint32_t port = 0;

	line += strspn(line, " \t");
	if (!str_starts(line, "port"))
		return 0;
	line += strlen("port");
	line += strspn(line, " \t");
	if (*line++ != '=')
		return 0;
	line += strspn(line, " \t");
	if (str_copy(number, sizeof(number), line) < 0)
		return 0;
	number[strcspn(number, " \t\r#")] = 0;
	return num_parse_u32(number, 1, UINT32_MAX, &port) < 0 ? 0 : port;
}

int tdx_qgs_port(const char *conf, uint32_t *ret, struct err *e)
{
	char line[LINE];
	size_t n;

	for (; *conf; conf += n + (conf[n] == '\n')) {
		n = strcspn(conf, "\n");
		if (str_format(line, sizeof(line), "%.*s", (int)(n < LINE ? n : LINE), conf) < 0)
			continue;
		*ret = port_of_line(line);
		if (*ret)
			return 0;
	}
	return err_set(e, ERR_MISSING,
		       "there is no \"port = NUMBER\" for the host's quoting service");
}

/* Wait until @fd is ready for @events.  Return: 0, -ETIMEDOUT, -errno. */
static int wait_ready(int fd, short events, uint64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	do {
		now = time_mono_ms();
		n = now < end ? poll(&p, 1, (int)(end - now)) : 0;
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int send_all(int fd, const uint8_t *p, size_t n, uint64_t end)
{
	ssize_t sent;
	int r;

	for (; n > 0; p += sent, n -= (size_t)sent) {
		r = wait_ready(fd, POLLOUT, end);
		if (r < 0)
			return r;
		sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent < 0)
			sent = 0;
	}
	return 0;
}

static int receive_all(int fd, uint8_t *p, size_t n, uint64_t end)
{
	ssize_t got;
	int r;

	for (; n > 0; p += got, n -= (size_t)got) {
		r = wait_ready(fd, POLLIN, end);
		if (r < 0)
			return r;
		got = recv(fd, p, n, MSG_DONTWAIT);
		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got < 0)
			got = 0;
	}
	return 0;
}

static int take_answer(const void *p, size_t n, struct buf *ret, struct err *e)
{
	struct qgs_answer a;
	enum qgs_verdict v = qgs_parse(p, n, &a);
	int r;

	if (v == QGS_REFUSED)
		return err_set(e, ERR_MISSING, "the host's quoting service refuses, error 0x%x",
			       a.error);
	if (v != QGS_OK)
		return err_set(e, ERR_PROTO, "the host's quoting service: %s", qgs_verdict_text(v));
	r = buf_add(ret, a.quote, a.n_quote);
	return r < 0 ? err_set(e, r, "the quote does not fit") : 0;
}

int tdx_qgs_exchange(int fd, const uint8_t report[static TD_REPORT_SIZE], unsigned int timeout_ms,
		     struct buf *ret, struct err *e)
{
	auto_buf struct buf answer = BUF_MAX(QGS_ANSWER_MAX);
	uint64_t end = time_mono_ms() + timeout_ms;
	uint8_t request[QGS_REQUEST_SIZE], length[QGS_LENGTH_SIZE];
	enum qgs_verdict v;
	size_t n = 0;
	int r;

	qgs_request(report, request);
	r = send_all(fd, request, sizeof(request), end);
	if (r == 0)
		r = receive_all(fd, length, sizeof(length), end);
	if (r < 0)
		return err_errno(e, -r, "the host's quoting service");
	v = qgs_length(length, &n);
	if (v != QGS_OK)
		return err_set(e, ERR_PROTO, "the host's quoting service: %s", qgs_verdict_text(v));
	r = buf_reserve(&answer, n);
	if (r == 0)
		r = receive_all(fd, answer.p, n, end);
	if (r < 0)
		return err_errno(e, -r, "the host's quoting service");
	return take_answer(answer.p, n, ret, e);
}

static int connect_host(uint32_t port, unsigned int timeout_ms, struct err *e)
{
	const struct sockaddr_vm to = { .svm_family = AF_VSOCK,
					.svm_cid = VMADDR_CID_HOST,
					.svm_port = port };
	auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(int);
	int r = 0, failed = 0;

	if (fd < 0)
		return err_errno(e, errno, "vsock");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		r = wait_ready(fd, POLLOUT, time_mono_ms() + timeout_ms);
	if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0)
		r = -failed;
	if (r < 0)
		return err_errno(e, -r, "the host's quoting service on vsock port %u", port);
	return steal_fd(&fd);
}

/* Return: an fd of the device that holds its lock. */
static int lock_device(const struct tdx *t, struct err *e)
{
	auto_close int fd = open(t->device, O_RDONLY | O_CLOEXEC);
	uint64_t end = time_mono_ms() + t->tsm.lock_ms;

	if (fd < 0)
		return err_errno(e, errno, "open %s", t->device);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, errno, "lock %s", t->device);
		if (time_mono_ms() >= end)
			return err_set(e, -ETIMEDOUT, "others have been making quotes for %u ms",
				       t->tsm.lock_ms);
		(void)poll(NULL, 0, LOCK_POLL_MS);
	}
	return steal_fd(&fd);
}

int tdx_qgs_quote(const struct tdx *t, const uint8_t report[static TD_REPORT_SIZE], struct buf *ret,
		  struct err *e)
{
	auto_buf struct buf conf = { 0 };
	auto_close int lock = -1, fd = -1;
	uint32_t port = 0;
	int r = file_read(AT_FDCWD, t->attest_conf, CONF_MAX, &conf, e);

	if (r == 0)
		r = tdx_qgs_port(conf.n ? (const char *)conf.p : "", &port, e);
	if (r < 0)
		return err_wrap(e, r, "no quote by configfs, and %s", t->attest_conf);
	lock = lock_device(t, e);
	fd = lock < 0 ? lock : connect_host(port, t->qgs_ms, e);
	if (fd < 0)
		return fd;
	return tdx_qgs_exchange(fd, report, t->qgs_ms, ret, e);
}
