/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/vhost_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/fd.h"

static void take_fds(struct vhost_letter *l, struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		/* the control buffer has room for no more than fds[] */
		memcpy(l->fds + l->n_fds, CMSG_DATA(c), n * sizeof(int));
		l->n_fds += n;
	}
}

static int receive_header(int fd, struct vhost_letter *l, struct err *e)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * VHOST_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = l->header, .iov_len = VHOST_HEADER };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof control };
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, errno, "cannot receive from QEMU");
	take_fds(l, &m);
	if (m.msg_flags & MSG_CTRUNC)
		return err_set(e, ERR_PROTO, "vhost-user message with too many file descriptors");
	if (n == 0 && l->n_fds == 0)
		return 0;
	if (n != VHOST_HEADER)
		return err_set(e, ERR_PROTO, "vhost-user message cut short");
	return 1;
}

static int receive_payload(int fd, struct vhost_letter *l, struct err *e)
{
	ssize_t n = 0;
	int size = vhost_message_size(l->header, e);

	if (size < 0)
		return size;
	if (size > 0)
		n = fd_read_full(fd, l->payload, (size_t)size);
	if (n < 0)
		return err_errno(e, (int)-n, "cannot receive from QEMU");
	if (n != size)
		return err_set(e, ERR_PROTO, "vhost-user message cut short");
	return vhost_message_parse(l->header, l->payload, l->n_fds, &l->message, e);
}

int vhost_channel_receive(int fd, struct vhost_letter *l, struct err *e)
{
	int rc;

	l->n_fds = 0;
	rc = receive_header(fd, l, e);
	if (rc == 1)
		rc = receive_payload(fd, l, e) < 0 ? ERR_PROTO : 1;
	if (rc != 1)
		vhost_letter_close(l);
	return rc;
}

void vhost_letter_close(struct vhost_letter *l)
{
	while (l->n_fds > 0)
		(void)fd_close(l->fds[--l->n_fds]);
}

int vhost_channel_reply(int fd, enum vhost_request request, const void *payload, size_t n,
			struct err *e)
{
	uint32_t head[3] = { request, VHOST_FLAG_VERSION | VHOST_FLAG_REPLY, (uint32_t)n };
	uint8_t out[VHOST_HEADER + VHOST_PAYLOAD_MAX];
	int rc;

	memcpy(out, head, sizeof head);
	if (n)
		memcpy(out + sizeof head, payload, n);
	rc = fd_write_all(fd, out, sizeof head + n);
	if (rc < 0)
		return err_errno(e, -rc, "cannot answer QEMU");
	return 0;
}
