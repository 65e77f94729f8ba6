/* SPDX-License-Identifier: Apache-2.0 */
/* app_table: the keys of an app's YAML, and the checks of one value */
#include "app/app_yaml.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "app/app_table_parts.h"
#include "app/host_port.h"
#include "data/env_name.h"

#define MIB ((uint64_t)1024 * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

/* What dstack's daemon takes for a name, but for the empty one: a VM must be called something. */
static int check_name(const char *text, struct err *e)
{
	static const char also[] = "-_. @~!$^();";
	const char *p;

	for (p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr(also, *p))
			return err_set(e, ERR_INPUT,
				       "\"%s\" is not a name; write letters, digits, - _ .", text);
	}
	return *text == ' ' ? err_set(e, ERR_INPUT, "a name does not begin with a space") : 0;
}

static int check_image(const char *text, struct err *e)
{
	const char *p;

	for (p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			break;
	}
	if (*p || strstr(text, "..") || *text == '.') {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is not an image; write a name that bailey image ls shows",
			       text);
	}
	return 0;
}

/* A size that the API counts in whole @unit bytes, written with @letter. */
static int check_whole(const char *text, uint64_t unit, char letter, struct err *e)
{
	uint64_t bytes;

	if (num_parse_size(text, 0, UINT64_MAX, &bytes) < 0 || bytes % unit == 0)
		return 0; /* not a size: the table has said so */
	return err_set(e, ERR_INPUT, "\"%s\" is not a whole number of %ciB; write %" PRIu64 "%c",
		       text, letter, bytes / unit + 1, letter);
}

static int check_memory(const char *text, struct err *e)
{
	return check_whole(text, MIB, 'M', e);
}

static int check_disk(const char *text, struct err *e)
{
	return check_whole(text, GIB, 'G', e);
}

static int check_host(const char *text, struct err *e)
{
	struct host_port hp;

	return host_port_parse(text, &hp, e);
}

static int check_env(const char *text, struct err *e)
{
	enum env_name v = env_name_check(text, strlen(text));

	return v == ENV_NAME_OK ? 0 : err_set(e, ERR_INPUT, "\"%s\" %s", text, env_name_text(v));
}

static int check_app_id(const char *text, struct err *e)
{
	uint8_t id[20];

	if (str_unhex(id, sizeof(id), text) < 0)
		return err_set(e, ERR_INPUT, "\"%.60s\" is not an app id; write 40 hex digits",
			       text);
	return 0;
}

static int check_hex(const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n % 2 || strspn(text, "0123456789abcdefABCDEF") != n)
		return err_set(e, ERR_INPUT,
			       "\"%.60s\" is not hex; write an even number of hex digits", text);
	return 0;
}

/* A compressed point of secp256k1, as bailey keys shows it. */
static int check_signer(const char *text, struct err *e)
{
	uint8_t key[APP_SIGNER];

	if (str_unhex(key, sizeof(key), text) == 0 && (key[0] == 2 || key[0] == 3))
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%.70s\" is not the key of a signer; write the 66 hex digits that bailey "
		       "keys shows as kms_signer",
		       text);
}

/* "18:00.0", "0000:18:00.0" as lspci and the daemon write it; or all of them. */
static int check_gpu(const char *text, struct err *e)
{
	static const char *const forms[] = { "xxxx:xx:xx.x", "xx:xx.x" };
	size_t i, k;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		for (k = 0; forms[i][k] && text[k]; k++) {
			if (forms[i][k] == 'x' ? !isxdigit((unsigned char)text[k])
					       : text[k] != forms[i][k])
				break;
		}
		if (!forms[i][k] && !text[k])
			return 0;
	}
	if (str_equal(text, "all"))
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%.40s\" is not the place of a GPU; write one like 18:00.0, or all", text);
}

static const char *const tees[] = { "tdx", "simulated", "none", NULL };
static const char *const protocols[] = { "tcp", "udp", NULL };
static const char *const runners[] = { "bash", "docker-compose", "nerdctl-compose", "none", NULL };
static const char *const providers[] = { "none", "kms", "local", "tpm", NULL };
static const char *const filesystems[] = { "ext4", "zfs", NULL };

static const struct conf_key resources_table[] = {
	{ .name = "cpus",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1024,
	  .otherwise = "1",
	  .doc = "How many virtual CPUs the VM has.",
	  .example = "2" },
	{ .name = "memory",
	  .type = CONF_SIZE,
	  .min = 128 * MIB,
	  .max = 16 * TIB,
	  .otherwise = "1G",
	  .check = check_memory,
	  .doc = "Its memory, in whole MiB.",
	  .example = "2G" },
	{ .name = "disk",
	  .type = CONF_SIZE,
	  .min = GIB,
	  .max = 64 * TIB,
	  .otherwise = "20G",
	  .check = check_disk,
	  .doc = "Its data disk, in whole GiB; the file grows as it is filled.",
	  .example = "10G" },
	{ .name = "gpus",
	  .type = CONF_STRINGS,
	  .max = 12,
	  .most = APP_GPUS_MAX,
	  .check = check_gpu,
	  .doc = "GPUs of the host, by their PCI slots; [all]: every one that it gives away.",
	  .example = "[\"18:00.0\"]" },
	{ .name = "hugepages",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Its memory is of huge pages." },
	{ .name = "pin_numa",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Its CPUs and memory are of the NUMA nodes that its GPUs are of." },
	{ .name = NULL },
};

static const struct conf_key port_table[] = {
	{ .name = "host",
	  .type = CONF_STRING,
	  .max = 80,
	  .required = true,
	  .check = check_host,
	  .doc = "Where the host listens: an address and a port, or a port of 127.0.0.1.",
	  .example = "127.0.0.1:18080" },
	{ .name = "guest",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .doc = "The port of the guest that connections are carried to.",
	  .example = "8080" },
	{ .name = "protocol",
	  .type = CONF_ENUM,
	  .values = protocols,
	  .otherwise = "tcp",
	  .doc = "What is carried.",
	  .example = "tcp" },
	{ .name = NULL },
};

static const struct conf_key init_script_table[] = {
	{ .name = "script",
	  .type = CONF_TEXT,
	  .max = APP_FILE_MAX,
	  .doc = "The script.",
	  .example = "sysctl -w vm.overcommit_memory=1" },
	{ .name = "script_file", .type = CONF_STRING, .max = 4096, .doc = "A file that holds it." },
	{ .name = NULL },
};

static const struct conf_key app_keys[] = {
	{ .name = "runner",
	  .type = CONF_ENUM,
	  .values = runners,
	  .otherwise = "none",
	  .doc = "What runs the app in the guest; none: nothing beside the init scripts.",
	  .example = "bash" },
	{ .name = "script",
	  .type = CONF_TEXT,
	  .max = APP_FILE_MAX,
	  .doc = "The app itself, for the runner bash." },
	{ .name = "script_file",
	  .type = CONF_STRING,
	  .max = 4096,
	  .doc = "A file that holds the script.",
	  .example = "hello.sh" },
	{ .name = "docker_compose",
	  .type = CONF_TEXT,
	  .max = APP_FILE_MAX,
	  .doc = "The docker-compose.yaml of the app, for the runners docker-compose and "
		 "nerdctl-compose." },
	{ .name = "docker_compose_file",
	  .type = CONF_STRING,
	  .max = 4096,
	  .doc = "A file that holds the docker-compose.yaml.",
	  .example = "docker-compose.yaml" },
	{ .name = "pre_launch",
	  .type = CONF_TEXT,
	  .max = APP_FILE_MAX,
	  .doc = "A script that is run once the guest is set up, before the app." },
	{ .name = "pre_launch_file",
	  .type = CONF_STRING,
	  .max = 4096,
	  .doc = "A file that holds that script." },
	{ .name = "init_scripts",
	  .type = CONF_MAPS,
	  .keys = init_script_table,
	  .most = APP_INIT_SCRIPTS_MAX,
	  .doc = "Scripts that are run first, in their order; each is measured." },
	{ .name = NULL },
};

static const struct conf_key public_table[] = {
	{ .name = "logs",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Anyone may read the containers' logs on port 8090." },
	{ .name = "sysinfo",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Anyone may read figures of the guest there: CPUs, memory, disks." },
	{ .name = "tcbinfo",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Anyone may read what was measured there." },
	{ .name = NULL },
};

const struct conf_key app_table[] = {
	{ .name = "name",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .required = true,
	  .check = check_name,
	  .doc = "What the VM is called; bailey up knows it again by this.",
	  .example = "hello" },
	{ .name = "image",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .check = check_image,
	  .doc = "The guest image; absent: the newest that baileyd has.",
	  .example = "bailey-0.1.0" },
	{ .name = "tee",
	  .type = CONF_ENUM,
	  .values = tees,
	  .otherwise = "tdx",
	  .doc = "What keeps the VM confidential: Intel TDX, a simulation for development, or "
		 "nothing.",
	  .example = "tdx" },
	{ .name = "resources",
	  .type = CONF_MAP,
	  .keys = resources_table,
	  .doc = "What of the host the VM gets." },
	{ .name = "ports",
	  .type = CONF_MAPS,
	  .keys = port_table,
	  .most = 64,
	  .doc = "Ports of the host that lead into the guest." },
	{ .name = "app", .type = CONF_MAP, .keys = app_keys, .doc = "What runs in the guest." },
	{ .name = "compose_file",
	  .type = CONF_STRING,
	  .max = 4096,
	  .doc = "A ready app-compose.json, passed on byte for byte in place of all that would "
		 "make one.",
	  .example = "app-compose.json" },
	{ .name = "key_provider",
	  .type = CONF_ENUM,
	  .values = providers,
	  .otherwise = "none",
	  .doc = "Who gives the guest its keys; none: fresh ones each boot.",
	  .example = "none" },
	{ .name = "key_provider_id",
	  .type = CONF_STRING,
	  .max = 512,
	  .check = check_hex,
	  .doc = "The only key provider that the guest accepts, in hex; of a KMS: what bailey "
		 "keys shows." },
	{ .name = "key_provider_unpinned",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "The guest accepts any key provider that its host leads it to; for "
		 "development." },
	{ .name = "kms_urls",
	  .type = CONF_STRINGS,
	  .max = 512,
	  .most = 16,
	  .check = app_check_url,
	  .doc = "Key services to ask, in place of those of baileyd.yaml." },
	{ .name = "kms_signer",
	  .type = CONF_STRING,
	  .max = 512,
	  .check = check_signer,
	  .doc = "Who must have signed the key that env_file is sealed to, in hex: what bailey "
		 "keys shows.",
	  .example = "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f" },
	{ .name = "gateway",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "The app is reached through a gateway too." },
	{ .name = "gateway_urls",
	  .type = CONF_STRINGS,
	  .max = 512,
	  .most = 16,
	  .check = app_check_url,
	  .doc = "Gateways to register with, in place of those of baileyd.yaml." },
	{ .name = "port_policy",
	  .type = CONF_MAP,
	  .keys = app_port_policy_table,
	  .doc = "Which ports of the app a gateway leads clients to." },
	{ .name = "ready_port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .doc = "The gateway leads clients to the app once this port of it takes connections.",
	  .example = "8080" },
	{ .name = "gateway_service",
	  .type = CONF_MAP,
	  .keys = app_gateway_service_table,
	  .doc = "The VM is a gateway itself: other VMs of the host are told of it." },
	{ .name = "public",
	  .type = CONF_MAP,
	  .keys = public_table,
	  .doc = "What the guest tells anyone who asks." },
	{ .name = "env",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 255,
	  .most = 1024,
	  .check = check_env,
	  .doc = "Names of the variables that may be given to the app in encrypted form.",
	  .example = "[ API_TOKEN, DB_URL ]" },
	{ .name = "env_file",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 4096,
	  .doc = "A .env file with their values: bailey up seals it, so that only the app can "
		 "open it.",
	  .example = "secret.env" },
	{ .name = "env_sealed",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 4096,
	  .doc = "The same, sealed already by bailey env seal." },
	{ .name = "user_config",
	  .type = CONF_TEXT,
	  .max = APP_FILE_MAX,
	  .doc = "Text for the app that is not measured: /dstack/user_config in the guest." },
	{ .name = "user_config_file",
	  .type = CONF_STRING,
	  .max = 4096,
	  .doc = "A file that holds that text." },
	{ .name = "app_id",
	  .type = CONF_STRING,
	  .check = check_app_id,
	  .doc = "The app's id where it is not the beginning of its compose hash, such as after "
		 "an upgrade." },
	{ .name = "instance_id",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Each VM has an instance id of its own." },
	{ .name = "secure_time",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "The guest waits until its clock is right before it is measured." },
	{ .name = "storage_fs",
	  .type = CONF_ENUM,
	  .values = filesystems,
	  .doc = "The file system of the data disk; absent: the image's own choice." },
	{ .name = "swap",
	  .type = CONF_SIZE,
	  .max = 16 * TIB,
	  .doc = "Swap space on the data disk.",
	  .example = "4G" },
	{ .name = "event_log_version",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 2,
	  .otherwise = "1",
	  .doc = "How the guest's runtime events are hashed." },
	{ .name = NULL },
};
