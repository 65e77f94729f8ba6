/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/facts.h"

#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "daemon/config.h"
#include "daemon/vsock_choice.h"
#include "data/json.h"
#include "domain/domain_xml.h"

static void put(json_t *o, const char *key, const char *text)
{
	(void)json_object_set_new(o, key, json_text(text ? text : ""));
}

static void put_bool(json_t *o, const char *key, bool value)
{
	(void)json_object_set_new(o, key, json_boolean(value));
}

static void put_config(json_t *o, const struct config *c)
{
	static const char *const carriers[] = { "auto", "kernel", "bailey-vsock", "program" };
	const json_t *listen = json_object_get(json_object_get(c->doc, "api"), "listen");
	auto_free char *image = xasprintf("%s/image", c->state);
	auto_free char *program = vsock_program(c);

	put(o, "name", c->name);
	put(o, "state", c->state);
	put(o, "image", image);
	put(o, "run", c->run);
	put(o, "socket", c->api_socket);
	(void)json_object_set_new(o, "listen",
				  json_is_array(listen) ? json_deep_copy(listen) : json_array());
	put(o, "qemu_user", c->qemu_user);
	put(o, "libvirt_uri", c->libvirt_uri ? c->libvirt_uri : "embedded");
	put(o, "vsock", carriers[c->carrier]);
	put(o, "vsock_program", program);
	put(o, "key_provider", c->key_provider_enabled ? c->key_provider_address : "");
	(void)json_object_set_new(o, "qgs_port", json_integer(c->qgs_port));
}

static void put_caps(json_t *o, const struct host_caps *caps)
{
	static const char *const tdx[] = { "none", "libvirt", "command line" };

	put(o, "qemu", caps->qemu_version);
	put(o, "emulator", caps->emulator);
	put(o, "machine", caps->machine);
	put(o, "libvirt", caps->libvirt_version);
	put_bool(o, "kvm", caps->has_kvm);
	put(o, "accel", caps->accel_why);
	put(o, "tdx", tdx[caps->tdx]);
	put(o, "tdx_why", caps->tdx_why);
	put_bool(o, "kernel_tdx", caps->has_kernel_tdx);
	put_bool(o, "kernel_vsock", caps->has_kernel_vsock);
	put_bool(o, "vhost_user_vsock", caps->has_vhost_user_vsock);
}

json_t *facts(const struct config *c, const struct host_caps *caps)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct rlimit files = { .rlim_max = 0 };
	json_t *o = json_object();

	put(o, "version", BAILEY_VERSION);
	put(o, "user", pw ? pw->pw_name : "");
	(void)json_object_set_new(o, "uid", json_integer(geteuid()));
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < INT32_MAX)
		(void)json_object_set_new(o, "nofile", json_integer((json_int_t)files.rlim_max));
	put_config(o, c);
	if (caps)
		put_caps(o, caps);
	return o;
}
