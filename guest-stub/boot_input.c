/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/boot_input.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "data/app_compose.h"
#include "data/instance_info.h"
#include "data/sys_config.h"
#include "guest-stub/boot.h"
#include "guest-stub/machine.h"
#include "guest-stub/policy.h"
#include "guest-stub/share.h"

int boot_input_sys_config(struct boot *b, struct err *e)
{
	auto_buf struct buf text = { 0 };
	int r = file_read(b->share, SHARE_SYS_CONFIG, SHARE_SYS_CONFIG_MAX, &text, e);

	return r ? r : sys_config_parse(text.p, text.n, &b->sys, e);
}

int boot_input_compose(struct boot *b, struct err *e)
{
	int r = file_read(b->share, SHARE_COMPOSE, SHARE_COMPOSE_MAX, &b->compose, e);

	return r ? r : app_compose_parse(b->compose.p, b->compose.n, &b->app, e);
}

/* What the app asks for and goes without; it runs all the same, as its code is the same. */
static void say_what_is_left_out(const struct boot *b)
{
	if (b->app->secure_time)
		log_warn("secure_time is not done: there is no time service in this guest");
}

int boot_input_policy(struct boot *b, struct err *e)
{
	auto_buf struct buf user_config = { 0 };
	struct policy_guest g = { .platform = guest_tee_platform(&b->tee),
				  .n_gpus = machine_gpus() };
	struct machine_system m;
	int r;

	machine_system_now(&m);
	g.os_version = m.os_version;
	r = file_read(b->share, SHARE_USER_CONFIG, SHARE_USER_CONFIG_MAX, &user_config, e);
	if (r < 0 && r != -ENOENT)
		return r;
	g.user_config = user_config.p;
	g.n_user_config = user_config.n;
	r = policy_check(b->app, &g, e);
	if (r == 0)
		say_what_is_left_out(b);
	return r;
}

/*
 * The host's app id and, where keys outlive a boot, its seed: the disk key of an instance depends on it.  Else, as
 * with a host that gave none, a new one.
 */
static int choose_seed(const struct boot *b, const struct instance_info *info,
		       uint8_t ret[static MEASURE_ID_SIZE], struct err *e)
{
	if (b->app->key_provider == APP_KEY_PROVIDER_NONE || info->seed.n == 0) {
		secret_random(ret, MEASURE_ID_SIZE);
		return 0;
	}
	if (info->seed.n != MEASURE_ID_SIZE)
		return err_set(e, ERR_PROTO, "instance_id_seed has %zu bytes, not %d", info->seed.n,
			       MEASURE_ID_SIZE);
	memcpy(ret, info->seed.b, MEASURE_ID_SIZE);
	return 0;
}

int boot_input_identity(struct boot *b, struct err *e)
{
	struct instance_info info = { .app_id.n = 0 };
	auto_buf struct buf text = { 0 };
	uint8_t seed[MEASURE_ID_SIZE];
	int r;

	r = file_read(b->share, SHARE_INSTANCE_INFO, SHARE_INSTANCE_INFO_MAX, &text, e);
	if (r == 0)
		r = instance_info_parse(text.p, text.n, &info, e);
	if (r == 0 || r == -ENOENT)
		r = choose_seed(b, &info, seed, e);
	if (r < 0)
		return r;
	return measure_identity_of(b->compose.p, b->compose.n, &info.app_id, seed,
				   !b->app->no_instance_id, &b->id, e);
}
