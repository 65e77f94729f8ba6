/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/qemu_log.h"

#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "domain/hypervisor.h"

int qemu_log_open(const struct daemon *d, const char *id, char name[static LOG_NAME_MAX])
{
	char path[512];
	char *slash;

	if (hypervisor_log_path(d->hypervisor, id, path, sizeof(path)) < 0)
		return -1;
	slash = strrchr(path, '/');
	if (!slash || str_copy(name, LOG_NAME_MAX, slash + 1) < 0)
		return -1;
	*slash = 0;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool qemu_log_is_ours(const struct daemon *d)
{
	return !d->config->libvirt_uri;
}
