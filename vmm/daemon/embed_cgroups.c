/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/embed_cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

enum { SUFFIX_MAX = 128 };

/* "qemu-embed-a226c489-2-<id>.libvirt-qemu" */
static bool is_of(const char *name, const char *suffix)
{
	return str_starts(name, "qemu-embed-") && str_ends(name, suffix);
}

static DIR *open_below(DIR *dir, const char *name)
{
	int fd = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *ret = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !ret)
		(void)close(fd);
	return ret;
}

static void close_below(DIR *dir)
{
	if (dir)
		(void)closedir(dir);
}

static bool is_folder(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

/* A group, and those of its threads ("emulator", "vcpu0"), which have none below them. */
static void remove_group(DIR *parent, const char *name)
{
	DIR *group = open_below(parent, name);
	const struct dirent *entry;

	while (group && (entry = readdir(group)) != NULL) {
		if (is_folder(entry))
			(void)unlinkat(dirfd(group), entry->d_name, AT_REMOVEDIR);
	}
	close_below(group);
	if (unlinkat(dirfd(parent), name, AT_REMOVEDIR) == 0)
		log_debug("removed control group %s, which was left of a start", name);
}

static void sweep_machines(DIR *top, const char *suffix)
{
	DIR *machines = open_below(top, "machine");
	const struct dirent *entry;

	while (machines && (entry = readdir(machines)) != NULL) {
		if (is_folder(entry) && is_of(entry->d_name, suffix))
			remove_group(machines, entry->d_name);
	}
	close_below(machines);
}

/* Of version 1 there is a tree for each controller, of version 2 one. */
void embed_cgroups_sweep(const char *root, const char *id)
{
	DIR *top = opendir(root), *controller;
	const struct dirent *entry;
	char suffix[SUFFIX_MAX];

	if (top && str_format(suffix, sizeof(suffix), "-%s.libvirt-qemu", id) > 0) {
		sweep_machines(top, suffix);
		while ((entry = readdir(top)) != NULL) {
			controller = is_folder(entry) ? open_below(top, entry->d_name) : NULL;
			if (controller)
				sweep_machines(controller, suffix);
			close_below(controller);
		}
	}
	close_below(top);
}
