/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/port_owner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "daemon/ports.h"
#include "store/manifest.h"

enum {
	TABLE_MAX = 8 * 1024 * 1024,
	LISTENS = 0x0a,
	FIELDS = 10,
	LINE_SIZE = 256,
	NAME_SIZE = 64, /* the kernel's are 15 */
};

/* Hex in the host's order of bytes, a word of 32 bits at a time, as the kernel prints it. */
static bool read_address(const char *hex, struct port_socket *ret)
{
	size_t n = strcspn(hex, ":"), i;
	char digits[9];
	uint8_t b[4];
	uint32_t word;

	if (n != 8 && n != 32)
		return false;
	ret->is_v6 = n == 32;
	for (i = 0; i < n / 8; i++) {
		(void)str_format(digits, sizeof(digits), "%.8s", hex + 8 * i);
		if (str_unhex(b, sizeof(b), digits))
			return false;
		word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
		memcpy(ret->address + 4 * i, &word, sizeof(word));
	}
	return true;
}

static bool read_hex(const char *s, size_t n, unsigned int *ret)
{
	uint8_t b[2] = { 0 };
	char digits[5];

	if (n > sizeof(b) || strlen(s) != 2 * n ||
	    str_format(digits, sizeof(digits), "%s", s) < 0 || str_unhex(b, n, digits))
		return false;
	*ret = n == 2 ? (unsigned int)b[0] << 8 | b[1] : b[0];
	return true;
}

bool port_owner_line(const char *line, struct port_socket *ret)
{
	char text[LINE_SIZE], *at = text, *field[FIELDS], *colon;
	unsigned int port, state;
	struct port_socket s = { .port = 0 };
	uint32_t uid;
	size_t n;

	(void)str_format(text, sizeof(text), "%.*s", LINE_SIZE - 1, line);
	for (n = 0; n < FIELDS && (field[n] = strsep(&at, " ")) != NULL;)
		n += *field[n] != 0;
	if (n < FIELDS)
		return false;
	colon = strchr(field[1], ':');
	if (!colon || !read_address(field[1], &s) || !read_hex(colon + 1, 2, &port) ||
	    !read_hex(field[3], 1, &state) || num_parse_u32(field[7], 0, UINT32_MAX, &uid) ||
	    num_parse_u64(field[9], 0, UINT64_MAX, &s.inode))
		return false;
	s.port = (uint16_t)port;
	s.state = state;
	s.uid = uid;
	*ret = s;
	return true;
}

static bool is_in_the_way(const struct port_socket *s, const struct manifest_port *p)
{
	struct manifest_port theirs = { .is_udp = p->is_udp, .from = s->port };

	if (s->port != p->from || (!p->is_udp && s->state != LISTENS) || !s->inode ||
	    !inet_ntop(s->is_v6 ? AF_INET6 : AF_INET, s->address, theirs.address,
		       sizeof(theirs.address)))
		return false;
	return ports_collide(&theirs, p);
}

static bool find_socket(const char *table, const struct manifest_port *p, struct port_socket *ret)
{
	auto_buf struct buf b = BUF_MAX(0);
	char *line, *at;

	if (file_read(AT_FDCWD, table, TABLE_MAX, &b, NULL))
		return false;
	at = (char *)b.p;
	while ((line = strsep(&at, "\n")) != NULL) {
		if (port_owner_line(line, ret) && is_in_the_way(ret, p))
			return true;
	}
	return false;
}

static bool has_socket(const char *pid, const char *wanted)
{
	char path[64], target[64];
	const struct dirent *x;
	bool found = false;
	DIR *dir;
	ssize_t n;

	(void)str_format(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (x = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), x->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		found = str_equal(target, wanted);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static void name_of(const char *pid, char *ret)
{
	auto_buf struct buf b = BUF_MAX(0);
	char path[64];

	(void)str_format(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (file_read(AT_FDCWD, path, 4096, &b, NULL) || !b.n)
		(void)str_copy(ret, NAME_SIZE, "a program");
	else
		(void)str_escape(ret, NAME_SIZE, b.p, strcspn((const char *)b.p, "\n"));
}

static bool find_process(const struct port_socket *s, char *ret)
{
	char wanted[64], name[NAME_SIZE];
	const struct dirent *x;
	DIR *proc = opendir("/proc");
	bool found = false;

	(void)str_format(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)s->inode);
	while (proc && !found && (x = readdir(proc)) != NULL) {
		found = x->d_name[0] >= '1' && x->d_name[0] <= '9' && has_socket(x->d_name, wanted);
		if (found) {
			name_of(x->d_name, name);
			(void)str_format(ret, PORT_OWNER_SIZE, "%s (process %.20s)", name,
					 x->d_name);
		}
	}
	if (proc)
		(void)closedir(proc);
	return found;
}

const char *port_owner(const struct manifest_port *p, char ret[static PORT_OWNER_SIZE])
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
						  { "/proc/net/udp", "/proc/net/udp6" } };
	struct port_socket s;

	(void)str_copy(ret, PORT_OWNER_SIZE, "another process");
	if (!find_socket(tables[p->is_udp][0], p, &s) && !find_socket(tables[p->is_udp][1], p, &s))
		return ret;
	if (!find_process(&s, ret))
		(void)str_format(ret, PORT_OWNER_SIZE, "a process of user %u", s.uid);
	return ret;
}
