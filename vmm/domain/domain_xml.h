/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_xml: what a VM is made of, as the XML that libvirt starts it from
 *
 * A pure function of the VM and of what the host can do: no I/O, no clock.
 *
 * Invariants  The device set and its PCI slots are those that QEMU gives dstack's own command line, because
 *             the ACPI tables that follow from them are measured (tests/integration/acpi compares them).
 *             In order from slot 1 of pcie.0: rootfs, data disk, volumes, NICs, vsock, share on a disk or 9p,
 *             root ports of GPUs.  domain_host.c has those that come from one place of the host.
 * Trusts      nothing in a string: each is escaped for XML and for QEMU's option syntax.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum {
	DOMAIN_SLOT_FIRST = 1,
	DOMAIN_SLOT_LAST = 30, /* 31 is the ICH9 */
	DOMAIN_CID_FIRST = 3,  /* of guests */
	DOMAIN_XML_MAX = 256 * 1024,
	DOMAIN_GPUS_MAX = 32,
	DOMAIN_NODES_MAX = 8,
};

enum domain_tee {
	DOMAIN_TEE_NONE,
	DOMAIN_TEE_SIMULATED, /* the same hardware as none; the guest is given a simulator */
	DOMAIN_TEE_TDX,
	DOMAIN_TEE_COUNT,
};

enum domain_vsock {
	DOMAIN_VSOCK_NONE,
	DOMAIN_VSOCK_KERNEL,	 /* vhost-vsock-pci: needs /dev/vhost-vsock */
	DOMAIN_VSOCK_VHOST_USER, /* vhost-user-vsock-pci: a process listens on vhost_socket */
	DOMAIN_VSOCK_COUNT,
};

enum domain_share {
	DOMAIN_SHARE_NONE,
	DOMAIN_SHARE_DISK, /* share_path is the image */
	DOMAIN_SHARE_9P,   /* share_path is the folder, tag "host-shared" */
	DOMAIN_SHARE_COUNT,
};

/* How this host starts a TDX guest, if it can. */
enum host_tdx {
	HOST_TDX_NONE,	      /* neither libvirt nor QEMU knows it */
	HOST_TDX_LIBVIRT,     /* <launchSecurity type='tdx'> */
	HOST_TDX_COMMANDLINE, /* QEMU has tdx-guest, libvirt does not say so */
};

/* What the host can do.  hypervisor.h fills it in; tests write their own. */
struct host_caps {
	bool has_kvm;		   /* KVM was seen to run a guest */
	bool has_kernel_tdx;	   /* kvm_intel reports TDX */
	bool has_kernel_vsock;	   /* /dev/vhost-vsock opens */
	bool has_vhost_user_vsock; /* QEMU has vhost-user-vsock-pci */
	bool reads_cpu_at_once; /* libvirt has the way of old to read a CPU's features: domain_args.c */
	enum host_tdx tdx;
	char accel_why[160];   /* "kvm: a guest ran" or "tcg: the CPU has neither vmx nor svm" */
	char tdx_why[200];     /* what is missing for TDX; "" if nothing */
	char owner[32];	       /* "+0:+0": who QEMU is to run as; "": as libvirt is configured */
	char confinement[32];  /* "apparmor", "selinux": to be off for QEMU; "": none is on */
	char emulator[256];    /* "/usr/bin/qemu-system-x86_64" */
	char machine[64];      /* "pc-q35-7.2" */
	char qemu_version[32]; /* "7.2.22": three integers */
	char libvirt_version[32];
};

struct domain_port {
	const char *address; /* of the host; IPv4 or IPv6, without brackets */
	bool is_udp;
	uint16_t host, guest;
};

/* A NIC on QEMU's own user-mode network. */
struct domain_nic {
	const char *mac;	/* "16:36:2f:56:63:87": mac.h */
	const char *net;	/* "10.0.2.0/24"; NULL: QEMU's default */
	const char *dhcp_start; /* "10.0.2.10"; NULL: QEMU's default */
	bool is_restricted;	/* the guest reaches nobody, forwards still work */
	const struct domain_port *ports;
	size_t n_ports;
};

/* A PCI device of the host that the guest is given: a GPU, or a bridge between GPUs. */
struct domain_gpu {
	unsigned int domain, bus, slot, function;
	unsigned int node; /* of the host */
	bool is_bound;	   /* to vfio-pci; else libvirt binds it for as long as the VM runs */
};

/* One VM.  All borrowed; paths absolute. */
struct domain_spec {
	const char *name; /* of the libvirt domain */
	const char *uuid; /* the VM's id, lower case with dashes */
	unsigned int vcpus;
	unsigned int memory_mib;
	enum domain_tee tee;
	const char *mr_config_id; /* base64 of 48 bytes; NULL: none.  TDX only */
	unsigned int qgs_port; /* vsock port of the quote generation service on the host; 0: none */
	const char *
		qgs_path; /* its unix socket instead; NULL: none (libvirt's own TDX knows only this) */

	const char *kernel, *initrd;
	const char *cmdline;  /* may be NULL */
	const char *firmware; /* NULL: QEMU's SeaBIOS.  TDX needs one */

	const char *rootfs;	    /* raw, read-only; NULL: none */
	const char *data_disk;	    /* qcow2; NULL: none */
	const char *const *volumes; /* raw, read-only */
	size_t n_volumes;
	const struct domain_nic *nics;
	size_t n_nics;

	/* GPUs, of which the last n_bridges are bridges. */
	const struct domain_gpu *gpus;
	size_t n_gpus, n_bridges;
	/* With huge pages: the host's NUMA nodes that memory and vCPUs are shared by, in order; 0: no huge pages. */
	const unsigned int *nodes;
	size_t n_nodes;
	unsigned int hugepage_kib;
	const char *cpuset; /* the host's CPUs that QEMU may use, "0-15,32-47"; NULL: all */

	enum domain_vsock vsock;
	uint32_t cid;
	const char *vhost_socket;

	enum domain_share share;
	const char *share_path;

	const char *serial_log; /* appended to */
	const char *
		serial_pty; /* a link to the console's pty (QEMU 9.2 and later make it); NULL: no pty */
	const char *vendor, *product; /* DMI; NULL: "dstack" */
	bool hotplug_off;
	uint64_t pci_hole64_size; /* bytes, whole KiB; 0: QEMU's default */
};

/**
 * domain_xml() - the libvirt domain of @s on a host like @caps
 * @ret: appended to; its max should be DOMAIN_XML_MAX
 *
 * Return: 0; ERR_MISSING if the host lacks what @s needs (the text names it); ERR_INPUT if @s is impossible
 *         (a control character in a path, no slot left); -EMSGSIZE.
 */
int domain_xml(const struct domain_spec *s, const struct host_caps *caps, struct buf *ret,
	       struct err *e);
