/* SPDX-License-Identifier: Apache-2.0 */
/* config_table: every key of baileyd.yaml; configs/baileyd.yaml and baileyd.yaml(5) say the same */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "daemon/config.h"

#define KIB ((uint64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

static int check_path(const char *text, struct err *e)
{
	if (*text != '/')
		return err_set(e, ERR_INPUT, "\"%s\" is not an absolute path; begin with /", text);
	return 0;
}

static int check_address(const char *text, struct err *e)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) != 1 && inet_pton(AF_INET6, text, raw) != 1)
		return err_set(e, ERR_INPUT, "\"%s\" is not an IP address; write 127.0.0.1", text);
	return 0;
}

static int check_endpoint(const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
		return err_set(e, ERR_INPUT, "\"%s\" is not host:port; write 127.0.0.1:3443", text);
	return 0;
}

static int check_url(const char *text, struct err *e)
{
	if (!str_starts(text, "http://") && !str_starts(text, "https://"))
		return err_set(e, ERR_INPUT, "\"%s\" is not a URL; begin with https://", text);
	return 0;
}

static int check_libvirt(const char *text, struct err *e)
{
	if (str_equal(text, "embed") || str_equal(text, "system") || strstr(text, "://"))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not embed, system or a URI like qemu:///system",
		       text);
}

static int check_seed(const char *text, struct err *e)
{
	uint8_t raw[32];

	if (str_unhex(raw, sizeof(raw), text))
		return err_set(e, ERR_INPUT, "is not 64 hex digits");
	return 0;
}

static const struct conf_key api_keys[] = {
	{ .name = "socket",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 107,
	  .check = check_path,
	  .doc = "Unix socket of the API; the default is baileyd.sock in the run folder.",
	  .example = "/run/bailey/baileyd.sock" },
	{ .name = "users",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = CONFIG_USERS_MAX,
	  .doc = "Who may call, by name or uid, besides root and the user baileyd runs as.",
	  .example = "[alice, 1001]" },
	{ .name = NULL },
};

static const struct conf_key libvirt_keys[] = {
	{ .name = "uri",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 255,
	  .otherwise = "embed",
	  .check = check_libvirt,
	  .doc = "embed runs libvirt's driver inside baileyd, system uses libvirtd; or any libvirt "
		 "URI." },
	{ .name = NULL },
};

static const char *const accels[] = { "auto", "tcg", NULL };

static const struct conf_key qemu_keys[] = {
	{ .name = "path",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 255,
	  .check = check_path,
	  .doc = "The QEMU program; the default is libvirt's choice.",
	  .example = "/usr/bin/qemu-system-x86_64" },
	{ .name = "user",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .doc = "The user that QEMU runs as when baileyd is root; the default is libvirt-qemu if "
		 "it exists.",
	  .example = "libvirt-qemu" },
	{ .name = "accel",
	  .type = CONF_ENUM,
	  .values = accels,
	  .otherwise = "auto",
	  .doc = "auto takes KVM where a guest was seen to run with it, else TCG; tcg never tries "
		 "KVM." },
	{ .name = NULL },
};

static const char *const carriers[] = { "auto", "kernel", "bailey-vsock", "program", NULL };

static const struct conf_key vsock_keys[] = {
	{ .name = "carrier",
	  .type = CONF_ENUM,
	  .values = carriers,
	  .otherwise = "auto",
	  .doc = "How vsock reaches us: kernel (/dev/vhost-vsock), bailey-vsock, or another "
		 "program with the same unix sockets; auto takes the kernel where it can." },
	{ .name = "program",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 255,
	  .check = check_path,
	  .doc = "Path of that program (carrier program: vhost-device-vsock or alike; carrier "
		 "bailey-vsock: where it is).",
	  .example = "/usr/bin/vhost-device-vsock" },
	{ .name = "cid_first",
	  .type = CONF_UINT,
	  .min = 3,
	  .max = 4294900000,
	  .otherwise = "1000",
	  .doc = "First guest CID that may be given to a VM." },
	{ .name = "cids",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 60000,
	  .otherwise = "1000",
	  .doc = "How many CIDs there are from the first on." },
	{ .name = NULL },
};

static const char *const shares[] = { "disk", "9p", NULL };

static const struct conf_key share_keys[] = {
	{ .name = "mode",
	  .type = CONF_ENUM,
	  .values = shares,
	  .otherwise = "disk",
	  .doc = "How a guest gets its shared folder: a read-only FAT32 disk, or 9p." },
	{ .name = NULL },
};

static const char *const protocols[] = { "tcp", "udp", NULL };

static const struct conf_key range_keys[] = {
	{ .name = "protocol",
	  .type = CONF_ENUM,
	  .values = protocols,
	  .otherwise = "tcp",
	  .doc = "tcp or udp." },
	{ .name = "from",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .doc = "First host port that may be mapped.",
	  .example = "1024" },
	{ .name = "to",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .doc = "Last host port that may be mapped.",
	  .example = "65535" },
	{ .name = NULL },
};

static const struct conf_key port_keys[] = {
	{ .name = "enabled",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "May VMs have host ports?" },
	{ .name = "address",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 45,
	  .otherwise = "127.0.0.1",
	  .check = check_address,
	  .doc = "Host address of a mapping that names none." },
	{ .name = "ranges",
	  .type = CONF_MAPS,
	  .keys = range_keys,
	  .most = CONFIG_RANGES_MAX,
	  .doc = "Host ports that may be mapped; the default is every port from 1 on, tcp and udp.",
	  .example = "[{ protocol: tcp, from: 1024, to: 65535 }]" },
	{ .name = NULL },
};

static const struct conf_key limit_keys[] = {
	{ .name = "vms",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 10000,
	  .otherwise = "256",
	  .doc = "How many VMs there may be, running or not." },
	{ .name = "vcpu",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1024,
	  .otherwise = "256",
	  .doc = "The most virtual CPUs of one VM." },
	{ .name = "memory",
	  .type = CONF_SIZE,
	  .min = 64 * MIB,
	  .max = 64 * TIB,
	  .otherwise = "1T",
	  .doc = "The most memory of one VM." },
	{ .name = "disk",
	  .type = CONF_SIZE,
	  .min = GIB,
	  .max = 1024 * TIB,
	  .otherwise = "16T",
	  .doc = "The largest data disk of one VM." },
	{ .name = "body",
	  .type = CONF_SIZE,
	  .min = 64 * KIB,
	  .max = 256 * MIB,
	  .otherwise = "10M",
	  .doc = "The largest request body that the API reads." },
	{ .name = NULL },
};

static const struct conf_key host_api_keys[] = {
	{ .name = "rate",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 10000,
	  .otherwise = "20",
	  .doc = "Calls a second that each VM may make to its host." },
	{ .name = "burst",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 10000,
	  .otherwise = "60",
	  .doc = "Calls that a VM may make at once above its rate." },
	{ .name = "connections",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1024,
	  .otherwise = "16",
	  .doc = "Connections that a VM may have open to its host." },
	{ .name = NULL },
};

static const struct conf_key key_provider_keys[] = {
	{ .name = "enabled",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Relay GetSealingKey to a key provider?" },
	{ .name = "address",
	  .type = CONF_STRING,
	  .min = 3,
	  .max = 255,
	  .otherwise = "127.0.0.1:3443",
	  .check = check_endpoint,
	  .doc = "Where the key provider listens." },
	{ .name = NULL },
};

static const struct conf_key stop_keys[] = {
	{ .name = "guest",
	  .type = CONF_DURATION,
	  .min = 100,
	  .max = 600000,
	  .otherwise = "30s",
	  .doc = "How long a guest may take to answer a call." },
	{ .name = "kill",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = 86400000,
	  .otherwise = "5m",
	  .doc = "How long a killed VM may take to be gone before StopVm reports that it is not." },
	{ .name = NULL },
};

static const struct conf_key gateway_keys[] = {
	{ .name = "base_domain",
	  .type = CONF_STRING,
	  .max = 253,
	  .otherwise = "localhost",
	  .doc = "Domain below which the gateway publishes apps; for the addresses that are "
		 "shown." },
	{ .name = "port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .otherwise = "8082",
	  .doc = "Port of the gateway in those addresses." },
	{ .name = "agent_port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .otherwise = "8090",
	  .doc = "Guest port that those addresses lead to." },
	{ .name = NULL },
};

static const struct conf_key simulator_keys[] = {
	{ .name = "seed",
	  .type = CONF_STRING,
	  .min = 64,
	  .max = 64,
	  .check = check_seed,
	  .doc = "Seed of the simulated quotes, 64 hex digits.",
	  .example = "\"0000000000000000000000000000000000000000000000000000000000000000\"" },
	{ .name = "collateral_url",
	  .type = CONF_STRING,
	  .max = 2048,
	  .check = check_url,
	  .doc = "Where guests find the collateral of simulated quotes.",
	  .example = "http://10.0.2.2:8000" },
	{ .name = NULL },
};

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

const struct conf_key config_table[] = {
	{ .name = "name",
	  .type = CONF_STRING,
	  .max = 64,
	  .otherwise = "\"\"",
	  .doc = "Name of this host, for people." },
	{ .name = "state",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = check_path,
	  .doc = "Folder of all that must last: VMs in vm/, images in image/.  The default is "
		 "/var/lib/bailey for root, else ~/.local/state/bailey.",
	  .example = "/var/lib/bailey" },
	{ .name = "run",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = CONFIG_RUN_MAX,
	  .check = check_path,
	  .doc = "Folder of sockets; a short path, as those of sockets are limited.  The default "
		 "is /run/bailey for root, else bailey in $XDG_RUNTIME_DIR.",
	  .example = "/run/bailey" },
	{ .name = "log",
	  .type = CONF_ENUM,
	  .values = levels,
	  .otherwise = "info",
	  .doc = "Which lines are logged: error, warn, info or debug." },
	{ .name = "api", .type = CONF_MAP, .keys = api_keys, .doc = "The API for operators." },
	{ .name = "libvirt",
	  .type = CONF_MAP,
	  .keys = libvirt_keys,
	  .doc = "Which libvirt runs the VMs." },
	{ .name = "qemu", .type = CONF_MAP, .keys = qemu_keys, .doc = "How QEMU is run." },
	{ .name = "vsock",
	  .type = CONF_MAP,
	  .keys = vsock_keys,
	  .doc = "How host and guest speak." },
	{ .name = "share",
	  .type = CONF_MAP,
	  .keys = share_keys,
	  .doc = "The folder that a VM is given." },
	{ .name = "port_mapping",
	  .type = CONF_MAP,
	  .keys = port_keys,
	  .doc = "Host ports that lead into VMs." },
	{ .name = "limits", .type = CONF_MAP, .keys = limit_keys, .doc = "What may be asked for." },
	{ .name = "host_api",
	  .type = CONF_MAP,
	  .keys = host_api_keys,
	  .doc = "What a VM may ask of its host." },
	{ .name = "key_provider",
	  .type = CONF_MAP,
	  .keys = key_provider_keys,
	  .doc = "Where sealing keys come from." },
	{ .name = "stop", .type = CONF_MAP, .keys = stop_keys, .doc = "How long to wait for VMs." },
	{ .name = "events_max",
	  .type = CONF_UINT,
	  .min = 20,
	  .max = 10000,
	  .otherwise = "200",
	  .doc = "How many notices are kept of each VM." },
	{ .name = "kms_urls",
	  .type = CONF_STRINGS,
	  .max = 2048,
	  .most = CONFIG_URLS_MAX,
	  .check = check_url,
	  .doc = "Key management services of guests whose VM names none.",
	  .example = "[https://kms.example.com:8443]" },
	{ .name = "gateway_urls",
	  .type = CONF_STRINGS,
	  .max = 2048,
	  .most = CONFIG_URLS_MAX,
	  .check = check_url,
	  .doc = "Gateways of guests whose VM names none.",
	  .example = "[https://gateway.example.com:8443]" },
	{ .name = "gateway",
	  .type = CONF_MAP,
	  .keys = gateway_keys,
	  .doc = "Addresses at which the gateway publishes apps." },
	{ .name = "pccs_url",
	  .type = CONF_STRING,
	  .max = 2048,
	  .otherwise = "\"\"",
	  .doc = "Where guests find the collateral of quotes." },
	{ .name = "docker_registry",
	  .type = CONF_STRING,
	  .max = 2048,
	  .otherwise = "\"\"",
	  .doc = "Registry mirror that guests use." },
	{ .name = "qgs_port",
	  .type = CONF_UINT,
	  .max = 65535,
	  .otherwise = "4050",
	  .doc = "vsock port of the quote generation service on this host; 0 for none." },
	{ .name = "tee_simulator",
	  .type = CONF_MAP,
	  .keys = simulator_keys,
	  .doc = "For VMs with a simulated TEE." },
	{ .name = NULL },
};
