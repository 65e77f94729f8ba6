/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/port_owner.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "store/manifest.h"

#define REST "00000000:0000 0A 00000000:00000000 00:00000000 00000000 "

static void test_lines_of_the_kernel_are_read(void)
{
	struct port_socket s;
	uint32_t loopback = htonl(INADDR_LOOPBACK), word;
	char line[200];

	memcpy(&word, &loopback, sizeof(word));
	(void)str_format(line, sizeof(line), "   0: %08X:1F90 " REST "  33        0 4711 1 0 20",
			 word);
	assert(port_owner_line(line, &s) && s.port == 8080 && !s.is_v6 && s.state == 0x0a);
	assert(s.uid == 33 && s.inode == 4711 && memcmp(s.address, &loopback, 4) == 0);
	assert(port_owner_line("  12: 00000000000000000000000000000000:0035 "
			       "00000000000000000000000000000000:0000 07 00000000:00000000 "
			       "00:00000000 00000000     0        0 9 2",
			       &s));
	assert(s.is_v6 && s.port == 53 && s.state == 7 && s.inode == 9);
}

static void test_anything_else_is_not(void)
{
	static const char *const bad[] = {
		"",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
		"0: 0100007F:1F90",
		"0: 0100007F " REST "33 0 4711 1",
		"0: 0100007:1F90 " REST "33 0 4711 1",
		"0: 0100007G:1F90 " REST "33 0 4711 1",
		"0: 0100007F:1F9 " REST "33 0 4711 1",
		"0: 0100007F:1F90 " REST "-1 0 4711 1",
		"0: 0100007F:1F90 " REST "33 0 x 1",
	};
	struct port_socket s;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(!port_owner_line(bad[i], &s));
}

static void test_a_port_of_our_own(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct manifest_port p = { .address = "0.0.0.0" };
	char owner[PORT_OWNER_SIZE], us[40];
	socklen_t n = sizeof(a);

	assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)) && !listen(fd, 1));
	assert(!getsockname(fd, (struct sockaddr *)&a, &n));
	p.from = ntohs(a.sin_port);
	(void)str_format(us, sizeof(us), "(process %d)", (int)getpid());
	assert(str_ends(port_owner(&p, owner), us));
	(void)close(fd);
	assert(str_equal(port_owner(&p, owner), "another process"));
}

int main(void)
{
	test_lines_of_the_kernel_are_read();
	test_anything_else_is_not();
	test_a_port_of_our_own();
	return 0;
}
