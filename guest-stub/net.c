/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/net.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/supervisor.h"

enum { DHCP_MS = 30000 };

static int link_up(const char *name, struct err *e)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	(void)str_copy(r.ifr_name, sizeof(r.ifr_name), name);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r) < 0)
		return err_errno(e, errno, "interface %s", name);
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		return err_errno(e, errno, "bring up %s", name);
	return 0;
}

static bool is_card(const char *name)
{
	char path[64];

	return str_format(path, sizeof(path), "/sys/class/net/%s/device", name) > 0 &&
	       access(path, F_OK) == 0;
}

/* The card with the lowest index: the first on the bus. */
static bool first_card(char ret[static IF_NAMESIZE])
{
	struct if_nameindex *all = if_nameindex(), *i;
	unsigned int best = 0;

	for (i = all; i && i->if_index != 0; i++) {
		if ((best == 0 || i->if_index < best) && is_card(i->if_name)) {
			best = i->if_index;
			(void)str_copy(ret, IF_NAMESIZE, i->if_name);
		}
	}
	if (all)
		if_freenameindex(all);
	return best != 0;
}

int net_start(struct supervisor *s, struct err *e)
{
	char card[IF_NAMESIZE];
	/* it goes to the background, for renewals, once it has a lease */
	const char *const argv[] = { "udhcpc", "-i", card, "-n", "-t", "20", "-T", "1", NULL };
	const struct supervisor_spawn how = { .argv = argv, .input = -1, .extra = -1 };
	int r = link_up("lo", e);

	if (r < 0)
		return r;
	if (!first_card(card))
		return 0;
	r = link_up(card, e);
	if (r == 0)
		r = supervisor_start(s, SUPERVISOR_DHCP, &how, e);
	return r < 0 ? r : 1;
}

int net_wait(struct supervisor *s, struct err *e)
{
	int r = supervisor_wait(s, SUPERVISOR_DHCP, DHCP_MS);
	char how[96];

	if (r == -ECANCELED)
		return r;
	if (r < 0)
		return err_set(e, ERR_MISSING, "no address by DHCP in %d s", DHCP_MS / 1000);
	if (s->slots[SUPERVISOR_DHCP].pid != 0 && s->slots[SUPERVISOR_DHCP].status != 0) {
		return err_set(e, ERR_MISSING, "no address by DHCP: udhcpc %s",
			       supervisor_how_it_ended(how, sizeof(how),
						       s->slots[SUPERVISOR_DHCP].status));
	}
	return 0;
}
