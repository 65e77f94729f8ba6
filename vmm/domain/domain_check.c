/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain_parts.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "domain/hypervisor.h"

enum {
	VCPUS_MAX = 255, /* q35 without an emulated IOMMU */
	MEMORY_MIN_MIB = 64,
	UNIX_PATH_MAX = 107,
	MR_CONFIG_TEXT = 64,
};

/* XML 1.0 cannot hold control characters, not even as references. */
static bool is_text(const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	}
	return str_is_utf8(s, n);
}

static int check_text(const char *what, const char *s, struct err *e)
{
	char shown[160];

	if (!s || is_text(s))
		return 0;
	return err_set(e, ERR_INPUT, "%s \"%s\" has characters that a domain's XML cannot hold",
		       what, str_escape(shown, sizeof(shown), s, strlen(s)));
}

static int check_path(const char *what, const char *s, struct err *e)
{
	if (s && s[0] != '/')
		return err_set(e, ERR_INPUT, "%s \"%s\" is not an absolute path", what, s);
	return check_text(what, s, e);
}

static int check_paths(const struct domain_spec *s, struct err *e)
{
	const struct {
		const char *what, *path;
	} rows[] = {
		{ "kernel", s->kernel },	 { "initrd", s->initrd },
		{ "firmware", s->firmware },	 { "rootfs", s->rootfs },
		{ "data disk", s->data_disk },	 { "share", s->share_path },
		{ "serial log", s->serial_log }, { "serial pty", s->serial_pty },
		{ "QGS socket", s->qgs_path },	 { "vhost-user socket", s->vhost_socket },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = check_path(rows[i].what, rows[i].path, e);
	for (i = 0; rc == 0 && i < s->n_volumes; i++)
		rc = check_path("volume", s->volumes[i], e);
	if (rc == 0 && s->vhost_socket && strlen(s->vhost_socket) > UNIX_PATH_MAX) {
		rc = err_set(e, ERR_INPUT,
			     "vhost-user socket \"%s\" is longer than %d bytes; use a shorter run "
			     "folder",
			     s->vhost_socket, UNIX_PATH_MAX);
	}
	return rc;
}

static int check_texts(const struct domain_spec *s, struct err *e)
{
	const struct {
		const char *what, *text;
	} rows[] = {
		{ "name", s->name },
		{ "id", s->uuid },
		{ "kernel command line", s->cmdline },
		{ "DMI vendor", s->vendor },
		{ "DMI product", s->product },
		{ "mrConfigId", s->mr_config_id },
		{ "list of CPUs", s->cpuset },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = check_text(rows[i].what, rows[i].text, e);
	if (rc == 0 &&
	    (!s->name[0] || strlen(s->name) > HYPERVISOR_NAME_MAX || strchr(s->name, '/')))
		rc = err_set(e, ERR_INPUT, "\"%s\" is not the name of a domain", s->name);
	return rc;
}

static int check_port(const struct domain_port *p, struct err *e)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, p->address, &v4) == 1 && p->host != 0 && p->guest != 0)
		return 0;
	if (inet_pton(AF_INET6, p->address, &v6) == 1) {
		return err_set(e, ERR_INPUT,
			       "port %u on \"%s\": QEMU's user network forwards IPv4 addresses "
			       "only; write 127.0.0.1 or 0.0.0.0",
			       p->host, p->address);
	}
	return err_set(e, ERR_INPUT,
		       "port %u on \"%s\" to %u cannot be forwarded; write an IPv4 address and "
		       "ports from 1",
		       p->host, p->address, p->guest);
}

static int check_nic(const struct domain_nic *n, struct err *e)
{
	size_t i;
	int rc;

	rc = check_text("MAC address", n->mac, e);
	if (rc == 0)
		rc = check_text("network", n->net, e);
	if (rc == 0)
		rc = check_text("DHCP start", n->dhcp_start, e);
	for (i = 0; rc == 0 && i < n->n_ports; i++)
		rc = check_port(&n->ports[i], e);
	return rc;
}

static int check_size(const struct domain_spec *s, struct err *e)
{
	if (s->vcpus < 1 || s->vcpus > VCPUS_MAX)
		return err_set(e, ERR_INPUT, "%u vCPUs; a VM has 1 to %d", s->vcpus, VCPUS_MAX);
	if (s->memory_mib < MEMORY_MIN_MIB)
		return err_set(e, ERR_INPUT, "%u MiB of memory; a VM needs %d or more",
			       s->memory_mib, MEMORY_MIN_MIB);
	if (s->pci_hole64_size % 1024 != 0)
		return err_set(e, ERR_INPUT, "a 64-bit PCI hole of %llu bytes; write whole KiB",
			       (unsigned long long)s->pci_hole64_size);
	return 0;
}

static int check_vsock(const struct domain_spec *s, const struct host_caps *caps, struct err *e)
{
	if (s->vsock == DOMAIN_VSOCK_NONE)
		return 0;
	if (s->cid < DOMAIN_CID_FIRST || s->cid == UINT32_MAX)
		return err_set(e, ERR_INPUT, "%u is not a guest's CID; they begin at %d", s->cid,
			       DOMAIN_CID_FIRST);
	if (s->vsock == DOMAIN_VSOCK_KERNEL && !caps->has_kernel_vsock) {
		return err_set(e, ERR_MISSING,
			       "this host has no /dev/vhost-vsock (kernel module vhost_vsock); use "
			       "the user-space vsock carrier");
	}
	if (s->vsock == DOMAIN_VSOCK_VHOST_USER && !caps->has_vhost_user_vsock)
		return err_set(e, ERR_MISSING, "QEMU %s at %s has no vhost-user-vsock-pci",
			       caps->qemu_version, caps->emulator);
	if (s->vsock == DOMAIN_VSOCK_VHOST_USER && !s->vhost_socket)
		return err_set(e, ERR_INPUT,
			       "user-space vsock needs the path of its vhost-user socket");
	return 0;
}

static int check_tee(const struct domain_spec *s, const struct host_caps *caps, struct err *e)
{
	if (s->tee != DOMAIN_TEE_TDX)
		return 0;
	if (caps->tdx == HOST_TDX_NONE || !caps->has_kvm || !caps->has_kernel_tdx) {
		return err_set(e, ERR_MISSING,
			       "this host cannot start a TDX VM: %s; a simulated TEE or none is "
			       "possible here",
			       caps->tdx_why[0] ? caps->tdx_why : "it has no TDX");
	}
	if (!s->firmware) {
		return err_set(
			e, ERR_INPUT,
			"a TDX VM needs an image with firmware (\"bios\" in its metadata.json)");
	}
	if (s->mr_config_id && strlen(s->mr_config_id) != MR_CONFIG_TEXT)
		return err_set(e, ERR_INPUT, "mrConfigId is not the base64 of 48 bytes");
	return 0;
}

int domain_check(const struct domain_spec *s, const struct host_caps *caps, struct err *e)
{
	size_t i;
	int rc;

	if (!s->name || !s->uuid || !s->kernel || !s->initrd || !s->serial_log) {
		return err_set(
			e, ERR_INPUT,
			"a domain needs a name, an id, a kernel, an initrd and a serial log");
	}
	if ((s->share == DOMAIN_SHARE_NONE) != (s->share_path == NULL))
		return err_set(e, ERR_INPUT, "a share needs a kind and a path");
	rc = check_texts(s, e);
	if (rc == 0)
		rc = check_paths(s, e);
	if (rc == 0)
		rc = check_size(s, e);
	if (rc == 0)
		rc = domain_check_host(s, e);
	if (rc == 0)
		rc = check_vsock(s, caps, e);
	if (rc == 0)
		rc = check_tee(s, caps, e);
	for (i = 0; rc == 0 && i < s->n_nics; i++)
		rc = check_nic(&s->nics[i], e);
	return rc;
}
