/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/start_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/compose.h"
#include "daemon/daemon.h"
#include "daemon/disk.h"
#include "daemon/disk_guard.h"
#include "daemon/gateways.h"
#include "daemon/guest_config.h"
#include "daemon/log_files.h"
#include "daemon/qemu_log.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "domain/mac.h"
#include "store/image.h"
#include "store/share.h"
#include "store/vmdir.h"

/* So much more than what we move on at that the process never does while we live. */
enum { CONSOLE_PARTS = 64 };

int plan_init(struct start_plan *p, struct vm *vm, struct err *e)
{
	const struct daemon *d = vm->d;
	int rc;

	*p = (struct start_plan){ .d = d, .dirfd = -1, .before = vm->state, .after = vm->state };
	rc = vsock_paths(d->config->run, vm->short_id, &p->sockets, e);
	if (rc)
		return rc;
	manifest_copy(&vm->manifest, &p->m);
	gateways_urls(vm, &p->gateway_urls);
	p->dir = xasprintf("%s/vm/%s", d->config->state, vm->manifest.id);
	p->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	(void)str_copy(p->qemu_version, sizeof(p->qemu_version),
		       hypervisor_caps(d->hypervisor)->qemu_version);
	(void)str_copy(p->emulator, sizeof(p->emulator), hypervisor_caps(d->hypervisor)->emulator);
	p->after.started = true;
	p->after.running = true;
	p->after.generation++;
	p->after.started_at_ms = time_unix_ms();
	p->after.exited_at_ms = 0;
	p->after.exit = VM_EXIT_NONE;
	p->after.stop = VM_STOP_NONE;
	vm_state_host_boot(p->after.boot_id);
	if (p->dirfd < 0)
		return err_errno(e, errno, "cannot keep the folder open");
	return gpus_check_free(d, vm, &p->m, e);
}

void plan_deinit(struct start_plan *p)
{
	manifest_deinit(&p->m);
	manifest_list_deinit(&p->gateway_urls);
	p->dirfd = fd_close(p->dirfd);
	free(p->dir);
	p->dir = NULL;
	image_free(p->image);
	p->image = NULL;
}

static int check_image(struct start_plan *p, struct err *e)
{
	int rc = image_load(p->d->image_dir, p->m.image, &p->image, e);

	if (!rc)
		rc = image_check(p->image, p->d->images, e);
	return rc;
}

static int make_share(const struct start_plan *p, struct err *e)
{
	auto_free char *folder = xasprintf("%s/shared", p->dir);
	auto_free char *disk = xasprintf("%s/shared.img", p->dir);
	const struct config *c = p->d->config;
	bool is_9p = c->share == CONFIG_SHARE_9P;
	int rc = is_9p ? 0 : share_build(folder, disk, e);

	if (rc)
		return err_wrap(e, rc, "cannot make the shared disk");
	return c->qemu_gid == (gid_t)-1 ? 0 : vmdir_grant(p->dirfd, c->qemu_gid, is_9p, e);
}

static int begin_logs(const struct start_plan *p, struct err *e)
{
	char name[LOG_NAME_MAX];
	auto_close int dir = qemu_log_is_ours(p->d) ? qemu_log_open(p->d, p->m.id, name) : -1;
	int rc = log_files_begin(p->dirfd, p->d->config->qemu_gid, p->d->config->max_log, e);

	return rc == 0 && dir >= 0 ? log_file_begin(dir, name, p->d->config->max_log, e) : rc;
}

int plan_prepare(struct start_plan *p, struct err *e)
{
	int rc = check_image(p, e);

	if (!rc)
		rc = hardware_find(p->d->config, p->d->sysfs, &p->m, &p->hardware, e);
	if (!rc)
		rc = guest_config_write(p, e);
	if (!rc)
		rc = disk_make(p->dirfd, p->dir, p->m.disk_size, p->image->hda, e);
	if (!rc)
		rc = make_share(p, e);
	if (!rc)
		rc = begin_logs(p, e);
	if (!rc)
		rc = vm_state_save(p->dirfd, &p->after, e);
	return rc;
}

int plan_revert(struct start_plan *p, struct err *e)
{
	/* The number of the boot is used up: what a half-started guest said must not count for the next. */
	p->before.generation = p->after.generation;
	return disk_guard_save(p->d->disk, p->dirfd, &p->before, e);
}

int plan_carry(struct start_plan *p, struct err *e)
{
	auto_free char *console = xasprintf("%s/serial.log", p->dir);
	auto_close int log = -1;
	const struct vsock_process o = {
		.console = console,
		.console_max = CONSOLE_PARTS * p->d->config->max_log,
		.program = p->d->vsock_program,
		.is_bailey = p->d->is_bailey_vsock,
		.cid = p->after.cid,
		.reader = p->d->config->qemu_gid,
		.log_fd = log =
			openat(p->dirfd, "vsock.log",
			       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600),
	};

	if (log < 0)
		return err_errno(e, errno, "cannot open vsock.log");
	return vsock_process_start(&p->sockets, &o, e);
}

static enum domain_tee tee_of(const struct manifest *m)
{
	if (m->simulated_tee)
		return DOMAIN_TEE_SIMULATED;
	return m->no_tee ? DOMAIN_TEE_NONE : DOMAIN_TEE_TDX;
}

static void fill_ports(const struct manifest *m, struct domain_port *ports)
{
	size_t i;

	for (i = 0; i < m->n_ports; i++) {
		ports[i] = (struct domain_port){ .address = m->ports[i].address,
						 .is_udp = m->ports[i].is_udp,
						 .host = m->ports[i].from,
						 .guest = m->ports[i].to };
	}
}

/* dstack's networks of mode "user"; none given is one of that mode with the defaults. */
static int fill_nics(const struct start_plan *p, struct domain_nic *nics, size_t *ret_n,
		     char (*macs)[MAC_TEXT_SIZE], const struct domain_port *ports, struct err *e)
{
	const struct manifest_network plain = { .mac_prefix = (char[]){ "" },
						.net = (char[]){ "" },
						.dhcp_start = (char[]){ "" } };
	size_t i, n = p->m.n_networks ? p->m.n_networks : 1;
	const struct manifest_network *from;
	int rc;

	for (i = 0; i < n; i++) {
		from = p->m.n_networks ? &p->m.networks[i] : &plain;
		rc = mac_of(p->m.id, from->mac_prefix, i, macs[i], e);
		if (rc)
			return rc;
		nics[i] = (struct domain_nic){
			.mac = macs[i],
			.net = *from->net ? from->net : NULL,
			.dhcp_start = *from->dhcp_start ? from->dhcp_start : NULL,
			.is_restricted = from->restricted,
			.ports = i ? NULL : ports,
			.n_ports = i ? 0 : p->m.n_ports,
		};
	}
	*ret_n = n;
	return 0;
}

int plan_domain(const struct start_plan *p, const struct host_caps *caps, struct buf *ret,
		struct err *e)
{
	const struct config *c = p->d->config;
	bool is_9p = c->share == CONFIG_SHARE_9P;
	auto_free char *share = xasprintf("%s/%s", p->dir, is_9p ? "shared" : "shared.img");
	auto_free char *disk = xasprintf("%s/hda.img", p->dir);
	auto_free char *serial = xasprintf("%s/serial.log", p->dir);
	auto_free char *pty = xasprintf("%s/serial.pty", p->dir);
	auto_free struct domain_port *ports = xcalloc(p->m.n_ports + 1, sizeof(*ports));
	auto_free struct domain_nic *nics = xcalloc(p->m.n_networks + 1, sizeof(*nics));
	char macs[MANIFEST_LIST_MAX][MAC_TEXT_SIZE];
	struct domain_spec s = {
		.name = p->m.id,
		.uuid = p->m.id,
		.vcpus = p->m.vcpu,
		.memory_mib = p->m.memory,
		.tee = tee_of(&p->m),
		.mr_config_id = *p->mr_config_id ? p->mr_config_id : NULL,
		.qgs_port = c->qgs_port,
		.kernel = p->image->kernel,
		.initrd = p->image->initrd,
		.cmdline = p->image->cmdline,
		/* what boots a simulated TEE is not what it says that it measured */
		.firmware = p->m.simulated_tee ? NULL : image_firmware(p->image),
		.rootfs = p->image->rootfs,
		.data_disk = disk,
		.volumes = (const char *const *)p->m.volumes.items,
		.n_volumes = p->m.volumes.n,
		.nics = nics,
		.vsock = p->d->vsock,
		.cid = p->after.cid,
		.vhost_socket = p->sockets.vhost,
		.gpus = p->hardware.gpus,
		.n_gpus = p->hardware.n_gpus,
		.n_bridges = p->hardware.n_bridges,
		.nodes = p->hardware.nodes,
		.n_nodes = p->hardware.n_nodes,
		.hugepage_kib = p->hardware.hugepage_kib,
		.cpuset = *p->hardware.cpuset ? p->hardware.cpuset : NULL,
		.share = is_9p ? DOMAIN_SHARE_9P : DOMAIN_SHARE_DISK,
		.share_path = share,
		.serial_log = serial,
		.serial_pty = pty,
	};
	int rc;

	fill_ports(&p->m, ports);
	rc = fill_nics(p, nics, &s.n_nics, macs, ports, e);
	return rc ? rc : domain_xml(&s, caps, ret, e);
}
