/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/embed_cgroups.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/rmtree.h"

#define ID    "bcf2ac60-3f3b-4007-af07-d5af7123b1f9"
#define OTHER "11111111-3f3b-4007-af07-d5af7123b1f9"

static char scratch[] = "/tmp/t-cg-XXXXXX";

static void make(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", scratch, name);

	assert(file_mkdir_all(path, 0700, NULL) == 0);
}

static int is_there(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", scratch, name);

	return access(path, F_OK) == 0;
}

int main(void)
{
	int tmp;

	assert(mkdtemp(scratch));
	embed_cgroups_sweep(scratch, ID); /* nothing there */
	make("cpuset/machine/qemu-embed-a226c489-2-" ID ".libvirt-qemu/emulator");
	make("memory/machine/qemu-embed-a226c489-17-" ID ".libvirt-qemu");
	make("machine/qemu-embed-a226c489-2-" ID ".libvirt-qemu");
	make("cpuset/machine/qemu-embed-a226c489-2-" OTHER ".libvirt-qemu/emulator");
	make("cpuset/machine/qemu-2-" ID ".libvirt-qemu"); /* of libvirtd */
	make("cpuset/other/qemu-embed-a226c489-2-" ID ".libvirt-qemu");
	/* a folder that is not empty stands for a group with processes */
	make("cpuset/machine/qemu-embed-a226c489-3-" ID ".libvirt-qemu/emulator/x");
	embed_cgroups_sweep(scratch, ID);
	assert(!is_there("cpuset/machine/qemu-embed-a226c489-2-" ID ".libvirt-qemu"));
	assert(!is_there("memory/machine/qemu-embed-a226c489-17-" ID ".libvirt-qemu"));
	assert(!is_there("machine/qemu-embed-a226c489-2-" ID ".libvirt-qemu"));
	assert(is_there("cpuset/machine/qemu-embed-a226c489-2-" OTHER ".libvirt-qemu/emulator"));
	assert(is_there("cpuset/machine/qemu-2-" ID ".libvirt-qemu"));
	assert(is_there("cpuset/other/qemu-embed-a226c489-2-" ID ".libvirt-qemu"));
	assert(is_there("cpuset/machine/qemu-embed-a226c489-3-" ID ".libvirt-qemu/emulator/x"));
	embed_cgroups_sweep("/nowhere", ID);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(rmtree(tmp, scratch + 5, NULL, NULL) == 0 && close(tmp) == 0);
	return 0;
}
