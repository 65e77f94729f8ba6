/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/port_owner.h"

enum { USERS_FIRST = 1024, SYSCTL_MAX = 64 }; /* the kernel's default */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
	socklen_t n;
};

static bool read_address(const struct manifest_port *p, struct address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, p->address, &ret->u.v4.sin_addr) == 1) {
		ret->u.v4.sin_family = AF_INET;
		ret->u.v4.sin_port = htons(p->from);
		ret->n = sizeof(ret->u.v4);
		return true;
	}
	if (inet_pton(AF_INET6, p->address, &ret->u.v6.sin6_addr) == 1) {
		ret->u.v6.sin6_family = AF_INET6;
		ret->u.v6.sin6_port = htons(p->from);
		ret->n = sizeof(ret->u.v6);
		return true;
	}
	return false;
}

const char *ports_text(const struct manifest_port *p, char *ret, size_t size)
{
	bool is_v6 = strchr(p->address, ':') != NULL;

	(void)str_format(ret, size, "%s %s%s%s:%u", p->is_udp ? "udp" : "tcp", is_v6 ? "[" : "",
			 p->address, is_v6 ? "]" : "", p->from);
	return ret;
}

static bool is_unspecified(const struct address *a)
{
	if (a->u.any.sa_family == AF_INET)
		return a->u.v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a->u.v6.sin6_addr);
}

bool ports_collide(const struct manifest_port *a, const struct manifest_port *b)
{
	struct address x, y;

	if (a->is_udp != b->is_udp || a->from != b->from)
		return false;
	if (!read_address(a, &x) || !read_address(b, &y))
		return str_equal(a->address, b->address);
	if (is_unspecified(&x) || is_unspecified(&y))
		return true;
	return x.n == y.n && memcmp(&x.u, &y.u, x.n) == 0;
}

int ports_allowed(const struct config *c, const struct manifest_port *p, struct err *e)
{
	size_t i;

	for (i = 0; i < c->n_ranges; i++) {
		if (c->ranges[i].is_udp == p->is_udp && p->from >= c->ranges[i].from &&
		    p->from <= c->ranges[i].to)
			return 0;
	}
	return err_set(e, ERR_INPUT, "Port mapping is not allowed for %s:%u",
		       p->is_udp ? "udp" : "tcp", p->from);
}

int ports_distinct(const struct manifest *m, struct err *e)
{
	char text[96];
	size_t i, j;

	for (i = 0; i < m->n_ports; i++) {
		for (j = 0; j < i; j++) {
			if (ports_collide(&m->ports[i], &m->ports[j]))
				return err_set(e, ERR_CONFLICT, "duplicate host port mapping: %s",
					       ports_text(&m->ports[i], text, sizeof(text)));
		}
	}
	return 0;
}

static int probe(const struct manifest_port *p, struct err *e)
{
	auto_close int fd = -1;
	struct address a;
	char text[96], owner[PORT_OWNER_SIZE];
	int on = 1;

	if (!read_address(p, &a))
		return err_set(e, ERR_INPUT, "Invalid host address: %s", p->address);
	fd = socket(a.u.any.sa_family, (p->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, errno, "cannot make a socket");
	/* As QEMU does for TCP: a port whose last user just ended is free. */
	if (!p->is_udp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.u.any, a.n) == 0 && (p->is_udp || listen(fd, 1) == 0))
		return 0;
	ports_text(p, text, sizeof(text));
	if (errno == EADDRINUSE)
		return err_set(e, ERR_CONFLICT,
			       "host port %s is taken by %s; choose another, or end that", text,
			       port_owner(p, owner));
	if (errno == EADDRNOTAVAIL)
		return err_set(e, ERR_INPUT, "host port %s: this host has no such address", text);
	return err_errno(e, errno, "cannot bind host port %s", text);
}

int ports_probe(const struct manifest *m, struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < m->n_ports; i++) {
		rc = probe(&m->ports[i], e);
		if (rc)
			return rc;
	}
	return 0;
}

uint32_t ports_first_of_users(void)
{
	auto_buf struct buf text = BUF_MAX(0);
	uint32_t first = USERS_FIRST;

	if (file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", SYSCTL_MAX, &text,
		      NULL) == 0 &&
	    text.n) {
		((char *)text.p)[strcspn((char *)text.p, "\n")] = 0;
		(void)num_parse_u32((char *)text.p, 0, UINT16_MAX, &first);
	}
	return first;
}

int ports_check_user(const struct config *c, const struct manifest *m, uint32_t first,
		     struct err *e)
{
	char text[96];
	size_t i;

	if (!c->qemu_user || c->libvirt_uri) /* it is as we are; or a libvirtd knows as whom */
		return 0;
	for (i = 0; i < m->n_ports; i++) {
		if (m->ports[i].from >= first)
			continue;
		return err_set(e, ERR_INPUT,
			       "host port %s: QEMU runs as %s, which may have ports from %u on; "
			       "sysctl net.ipv4.ip_unprivileged_port_start=%u, or choose another",
			       ports_text(&m->ports[i], text, sizeof(text)), c->qemu_user, first,
			       m->ports[i].from);
	}
	return 0;
}
