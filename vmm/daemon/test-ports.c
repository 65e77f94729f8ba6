/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/ports.h"

static struct manifest_port port(const char *address, bool is_udp, uint16_t from)
{
	struct manifest_port p = { .is_udp = is_udp, .from = from, .to = 80 };

	assert(str_copy(p.address, sizeof(p.address), address) > 0);
	return p;
}

static bool collide(struct manifest_port a, struct manifest_port b)
{
	assert(ports_collide(&a, &b) == ports_collide(&b, &a));
	return ports_collide(&a, &b);
}

static void test_what_collides(void)
{
	assert(collide(port("127.0.0.1", false, 80), port("127.0.0.1", false, 80)));
	assert(collide(port("127.0.0.1", false, 80), port("0.0.0.0", false, 80)));
	assert(collide(port("::", false, 80), port("127.0.0.1", false, 80)));
	assert(collide(port("::1", false, 80), port("0:0:0:0:0:0:0:1", false, 80)));
	assert(!collide(port("127.0.0.1", false, 80), port("127.0.0.2", false, 80)));
	assert(!collide(port("127.0.0.1", false, 80), port("127.0.0.1", true, 80)));
	assert(!collide(port("127.0.0.1", false, 80), port("127.0.0.1", false, 81)));
	assert(!collide(port("127.0.0.1", false, 80), port("::1", false, 80)));
}

static void test_a_duplicate_is_named(void)
{
	struct manifest_port list[] = { port("127.0.0.1", false, 8080), port("::", false, 8080) };
	struct manifest m = { .ports = list, .n_ports = 2 };
	struct err e = ERR_NONE;

	assert(ports_distinct(&m, &e) == ERR_CONFLICT);
	assert(str_equal(e.text, "duplicate host port mapping: tcp [::]:8080"));
	list[1].is_udp = true;
	assert(!ports_distinct(&m, NULL));
}

static void test_only_ranges_may_be_mapped(void)
{
	static const char text[] = "port_mapping: { ranges: [{ from: 1000, to: 2000 }, "
				   "{ protocol: udp, from: 53, to: 53 }] }";
	struct manifest_port p = port("127.0.0.1", false, 1000);
	struct config *c = NULL;

	assert(!config_parse(text, sizeof(text) - 1, "x", &c, NULL));
	assert(!ports_allowed(c, &p, NULL));
	p.from = 2000;
	assert(!ports_allowed(c, &p, NULL));
	p.from = 2001;
	assert(ports_allowed(c, &p, NULL) == ERR_INPUT);
	p.from = 53;
	assert(ports_allowed(c, &p, NULL) == ERR_INPUT);
	p.is_udp = true;
	assert(!ports_allowed(c, &p, NULL));
	config_free(c);
}

/* Bind 127.0.0.1, any port; *ret_port is which. */
static int occupy(int type, uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(a);

	assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)));
	assert(type == SOCK_DGRAM || !listen(fd, 1));
	assert(!getsockname(fd, (struct sockaddr *)&a, &n));
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void test_a_port_that_is_taken_is_seen(int type)
{
	uint16_t number;
	int fd = occupy(type, &number);
	struct manifest_port p = port("127.0.0.1", type == SOCK_DGRAM, number);
	struct manifest m = { .ports = &p, .n_ports = 1 };
	struct err e = ERR_NONE;

	assert(ports_probe(&m, &e) == ERR_CONFLICT && strstr(e.text, "taken by test-") &&
	       strstr(e.text, "(process "));
	(void)str_copy(p.address, sizeof(p.address), "0.0.0.0");
	assert(ports_probe(&m, NULL) == ERR_CONFLICT);
	(void)str_copy(p.address, sizeof(p.address), "192.0.2.1");
	assert(ports_probe(&m, &e) == ERR_INPUT && strstr(e.text, "no such address"));
	(void)close(fd);
	(void)str_copy(p.address, sizeof(p.address), "127.0.0.1");
	assert(!ports_probe(&m, NULL));
}

static void test_low_ports_are_not_every_users(void)
{
	struct config c = { .qemu_user = (char[]){ "libvirt-qemu" } };
	struct manifest_port p = port("127.0.0.1", false, 443);
	struct manifest m = { .ports = &p, .n_ports = 1 };
	struct err e = ERR_NONE;

	assert(ports_check_user(&c, &m, 1024, &e) == ERR_INPUT);
	assert(strstr(e.text, "tcp 127.0.0.1:443: QEMU runs as libvirt-qemu") &&
	       strstr(e.text, "ip_unprivileged_port_start=443"));
	assert(ports_check_user(&c, &m, 443, NULL) == 0);
	c.libvirt_uri = (char[]){ "qemu:///system" };
	assert(ports_check_user(&c, &m, 1024, NULL) == 0);
	c = (struct config){ .qemu_user = NULL };
	assert(ports_check_user(&c, &m, 1024, NULL) == 0);
	assert(ports_first_of_users() <= 65535);
}

int main(void)
{
	test_what_collides();
	test_a_duplicate_is_named();
	test_only_ranges_may_be_mapped();
	test_low_ports_are_not_every_users();
	test_a_port_that_is_taken_is_seen(SOCK_STREAM);
	test_a_port_that_is_taken_is_seen(SOCK_DGRAM);
	return 0;
}
