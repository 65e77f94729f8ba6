/* SPDX-License-Identifier: Apache-2.0 */
#include "base/netif.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

enum { ANSWER_MAX = 1024, BITS = 32 };

/* A message under construction: attributes are aligned to 4 bytes. */
struct message {
	uint8_t *p;
	size_t n;
};

static void put(struct message *m, const void *p, size_t n)
{
	memcpy(m->p + m->n, p, n);
	m->n = NLMSG_ALIGN(m->n + n);
}

/* Return: where it begins, for close_attribute(). */
static size_t open_attribute(struct message *m, uint16_t type)
{
	const struct rtattr a = { .rta_type = type };
	size_t at = m->n;

	put(m, &a, sizeof(a));
	return at;
}

static void close_attribute(struct message *m, size_t at, size_t n)
{
	uint16_t size = (uint16_t)n;

	memcpy(m->p + at + offsetof(struct rtattr, rta_len), &size, sizeof(size));
}

static void put_text(struct message *m, uint16_t type, const char *text)
{
	size_t at = open_attribute(m, type), n = strlen(text) + 1;

	put(m, text, n);
	close_attribute(m, at, RTA_LENGTH(0) + n);
}

int netif_message(const char *name, const char *kind, uint8_t ret[static NETIF_MESSAGE_MAX])
{
	struct nlmsghdr h = { .nlmsg_type = RTM_NEWLINK,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
			      .nlmsg_seq = 1 };
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	struct message m = { ret, 0 };
	size_t info;

	if (!*name || strlen(name) > NETIF_NAME_MAX || !*kind || strlen(kind) > NETIF_KIND_MAX)
		return -EINVAL;
	memset(ret, 0, NETIF_MESSAGE_MAX);
	put(&m, &h, sizeof(h));
	put(&m, &link, sizeof(link));
	put_text(&m, IFLA_IFNAME, name);
	info = open_attribute(&m, IFLA_LINKINFO);
	put_text(&m, IFLA_INFO_KIND, kind);
	close_attribute(&m, info, m.n - info);
	h.nlmsg_len = (uint32_t)m.n;
	memcpy(ret, &h, sizeof(h));
	return (int)m.n;
}

/* What the kernel says to our message: 0 or a negative errno. */
static int read_answer(int fd)
{
	union {
		uint8_t bytes[ANSWER_MAX];
		struct nlmsghdr head;
	} in;
	struct nlmsgerr answer;
	ssize_t n = recv(fd, in.bytes, sizeof(in.bytes), 0);

	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(answer)) || in.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	memcpy(&answer, in.bytes + NLMSG_HDRLEN, sizeof(answer));
	return answer.error;
}

int netif_make(const char *name, const char *kind, struct err *e)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	_Alignas(struct nlmsghdr) uint8_t message[NETIF_MESSAGE_MAX];
	int rc, n = netif_message(name, kind, message);

	if (n < 0)
		return err_set(e, n, "an interface's name and kind have 1 to %d characters",
			       NETIF_NAME_MAX);
	if (fd < 0 ||
	    sendto(fd, message, (size_t)n, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_errno(e, errno, "asking the kernel for interface %s", name);
	rc = read_answer(fd);
	if (rc == -EOPNOTSUPP)
		return err_set(e, rc, "this kernel makes no interfaces of the kind %s", kind);
	return rc ? err_errno(e, -rc, "making interface %s", name) : 0;
}

bool netif_is_bare(const char *name)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	if (fd < 0 || str_copy(r.ifr_name, sizeof(r.ifr_name), name) < 0 ||
	    ioctl(fd, SIOCGIFFLAGS, &r) < 0 || (r.ifr_flags & IFF_UP))
		return false;
	return ioctl(fd, SIOCGIFADDR, &r) < 0 && errno == EADDRNOTAVAIL;
}

static void set_address(struct ifreq *r, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(address) } };

	memcpy(&r->ifr_addr, &in, sizeof(in));
}

int netif_set(const char *name, uint32_t address, unsigned int bits, struct err *e)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	if (str_copy(r.ifr_name, sizeof(r.ifr_name), name) < 0 || bits == 0 || bits > BITS)
		return err_set(e, -EINVAL, "interface %s: its network has 1 to %d bits", name,
			       BITS);
	set_address(&r, address);
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &r) < 0)
		return err_errno(e, errno, "interface %s: its address", name);
	set_address(&r, UINT32_MAX << (BITS - bits));
	if (ioctl(fd, SIOCSIFNETMASK, &r) < 0)
		return err_errno(e, errno, "interface %s: its network", name);
	if (ioctl(fd, SIOCGIFFLAGS, &r) < 0)
		return err_errno(e, errno, "interface %s", name);
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		return err_errno(e, errno, "interface %s: setting it up", name);
	return 0;
}
