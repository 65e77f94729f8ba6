/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/boot_keys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "data/env_plain.h"
#include "data/sys_config.h"
#include "guest-stub/app_env.h"
#include "guest-stub/boot.h"
#include "guest-stub/config_id.h"
#include "guest-stub/keys_answer.h"
#include "guest-stub/net.h"
#include "guest-stub/request_keys.h"
#include "guest-stub/supervisor.h"
#include "tee/runtime_log.h"

enum { KILL_MS = 5000, MARGIN_MS = 10000 };

int boot_keys_config_id(struct boot *b, bool is_provider_known, struct err *e)
{
	struct measure_app app = { .n_init_scripts = b->app->n_init_scripts,
				   .gpu_policy = b->app->requirements.gpu_policy_raw };
	struct config_id_args a = { .document = b->sys->mr_config,
				    .identity = &b->id,
				    .app = &app,
				    .provider = b->app->key_provider,
				    .provider_id = b->app->key_provider_id,
				    .n_provider_id = b->app->n_key_provider_id };
	struct tee_td td;
	int r;

	if (b->tee.tee.kind == TEE_NONE)
		return 0;
	memcpy(app.init_scripts, b->app->init_scripts, sizeof(app.init_scripts));
	r = tee_td(&b->tee.tee, &td, e);
	if (r < 0)
		return r;
	if (is_provider_known) {
		a.provider_id = b->keys.id;
		a.n_provider_id = b->keys.n_id;
	}
	a.id = &td.mr_config_id;
	a.is_provider_known =
		is_provider_known || a.n_provider_id > 0 || a.provider == APP_KEY_PROVIDER_NONE;
	return config_id_check(&a, e);
}

/* What the child left.  When it says nothing, how it ended says why. */
static int take(struct boot *b, int fd, struct err *e)
{
	char how[96];
	int r = keys_answer_take(fd, &b->keys, &b->is_own_provider, e);

	if (r == ERR_BAD_STATE) {
		return err_set(
			e, r, "the process that asks for them %s",
			supervisor_how_it_ended(how, sizeof(how),
						b->supervisor->slots[SUPERVISOR_KEYS].status));
	}
	if (r == 0 && b->keys.provider != b->app->key_provider)
		return err_set(e, ERR_PROTO, "they are of key provider %s",
			       app_key_provider_name(b->keys.provider));
	return r;
}

static int run_child(struct boot *b, int fd, struct err *e)
{
	static const char *const argv[] = { "/proc/self/exe", "request-keys", NULL };
	const struct supervisor_spawn how = { .argv = argv, .input = -1, .extra = fd };
	int r = supervisor_start(b->supervisor, SUPERVISOR_KEYS, &how, e);

	if (r < 0)
		return r;
	r = supervisor_wait(b->supervisor, SUPERVISOR_KEYS, REQUEST_KEYS_MS + MARGIN_MS);
	if (r == 0)
		return 0;
	supervisor_signal(b->supervisor, SUPERVISOR_KEYS, SIGKILL);
	(void)supervisor_wait_end(b->supervisor, SUPERVISOR_KEYS, KILL_MS);
	return r == -ETIMEDOUT ? err_set(e, r, "no answer in %d s", REQUEST_KEYS_MS / 1000) : r;
}

int boot_keys_request(struct boot *b, struct err *e)
{
	struct err why = ERR_NONE;
	auto_close int fd = keys_answer_new(e);
	int r = fd < 0 ? fd : 0;

	notices_send(&b->notices, "boot.progress", "requesting app keys");
	/* a KMS is reached by the network; without an address the failure to reach it will say so */
	if (r == 0 && b->app->key_provider == APP_KEY_PROVIDER_KMS) {
		r = net_wait(b->supervisor, &why);
		if (r == -ECANCELED)
			return r;
		if (r < 0)
			log_warn("keys: %s", why.text);
		r = 0;
	}
	if (r == 0)
		r = run_child(b, fd, e);
	return r ? r : take(b, fd, e);
}

/* An enclave and our own program are not the same proof, so they have not the same name. */
static const char *provider_name(const struct boot *b)
{
	if (b->app->key_provider != APP_KEY_PROVIDER_LOCAL)
		return app_key_provider_name(b->app->key_provider);
	return b->is_own_provider ? "local" : "local-sgx";
}

static int check_pin(const struct boot *b, const char *is, struct err *e)
{
	const struct app_compose *c = b->app;
	auto_free char *want = xcalloc(2, c->n_key_provider_id + 1);

	if (c->n_key_provider_id == 0 ||
	    (c->n_key_provider_id == b->keys.n_id &&
	     memcmp(c->key_provider_id, b->keys.id, b->keys.n_id) == 0))
		return 0;
	str_hex(want, c->key_provider_id, c->n_key_provider_id);
	return err_set(e, ERR_PROTO, "Unexpected key provider id: %s, expected: %.200s", is, want);
}

int boot_keys_accept(struct boot *b, struct err *e)
{
	char id[2 * APP_KEYS_FILE_ID_MAX + 1];
	auto_free char *info = NULL;
	int r = 0;

	str_hex(id, b->keys.id, b->keys.n_id);
	if (b->keys.provider == APP_KEY_PROVIDER_KMS && b->keys.has_os_image_hash)
		r = runtime_log_emit(b->log, &b->tee.tee, "os-image-hash", b->keys.os_image_hash,
				     sizeof(b->keys.os_image_hash), e);
	if (r == 0)
		r = boot_keys_config_id(b, true, e);
	if (r == 0)
		r = check_pin(b, id, e);
	if (r < 0)
		return r;
	info = xasprintf("{\"name\":\"%s\",\"id\":\"%s\"}", provider_name(b), id);
	return runtime_log_emit(b->log, &b->tee.tee, "key-provider", info, strlen(info), e);
}

int boot_keys_env(struct boot *b, struct err *e)
{
	char text[128];
	int r = app_env_open(b->share, &b->keys, b->app, &b->env, e);

	if (r == 0 && b->env && b->env->n_skipped > 0) {
		(void)str_format(text, sizeof(text),
				 "%zu variables of the environment are left out: the app does not "
				 "allow them (allowed_envs)",
				 b->env->n_skipped);
		notices_send(&b->notices, "boot.notice", text);
	}
	return r;
}

int boot_keys_disk(struct boot *b, struct err *e)
{
	const struct data_disk_args a = {
		.key = b->keys.disk.b,
		.is_key_kept = b->app->key_provider != APP_KEY_PROVIDER_NONE,
		.storage_fs = b->app->storage_fs,
		.swap_size = b->app->swap_size,
		.mount_point = DATA_DISK_MOUNT_POINT,
		.supervisor = b->supervisor,
		.notices = &b->notices,
	};
	int r = data_disk_open(&a, &b->disk, e);

	if (r < 0 || !b->disk.fs)
		return r;
	return runtime_log_emit(b->log, &b->tee.tee, "storage-fs", b->disk.fs, strlen(b->disk.fs),
				e);
}

int boot_keys_ready(struct boot *b, struct err *e)
{
	auto_free char *info = measure_instance_info(&b->id);
	int r;

	notices_send(&b->notices, "instance.info", info);
	r = runtime_log_emit(b->log, &b->tee.tee, "system-ready", NULL, 0, e);
	if (r == 0 && b->disk.fs)
		notices_send(&b->notices, "boot.progress", "data disk ready");
	return r;
}

int boot_keys_files(struct boot *b, struct err *e)
{
	auto_secret_str char *text = app_keys_file_text(&b->keys);
	int r;

	if (!text)
		return err_set(e, -ENOMEM, "no memory for " BOOT_KEYS_FILE);
	b->gateway_app_id = xstrdup(b->keys.gateway_app_id);
	r = file_replace(b->share, BOOT_KEYS_FILE, 0600, text, strlen(text), e);
	app_keys_file_wipe(&b->keys);
	return r ? r : app_env_write(b->share, b->env, e);
}
