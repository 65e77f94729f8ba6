/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/measure.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/instance_info.h"
#include "data/json.h"
#include "tee/runtime_log.h"

int measure_identity_of(const void *compose, size_t n, const struct instance_id *app_id,
			const uint8_t seed[static MEASURE_ID_SIZE], bool wants_instance_id,
			struct measure_identity *ret, struct err *e)
{
	struct measure_identity id = { .compose_hash = digest256_bytes(compose, n) };
	struct digest_part parts[] = { { seed, MEASURE_ID_SIZE }, { id.app_id, MEASURE_ID_SIZE } };
	struct digest256 d;

	if (app_id->n != 0 && app_id->n != MEASURE_ID_SIZE)
		return err_set(e, ERR_PROTO, "Invalid app id length: expected %d bytes, got %zu",
			       MEASURE_ID_SIZE, app_id->n);
	memcpy(id.app_id, app_id->n ? app_id->b : id.compose_hash.b, MEASURE_ID_SIZE);
	memcpy(id.seed, seed, sizeof(id.seed));
	if (wants_instance_id) {
		d = digest256_of(parts, 2);
		memcpy(id.instance_id, d.b, sizeof(id.instance_id));
		id.has_instance_id = true;
	}
	*ret = id;
	return 0;
}

char *measure_instance_info(const struct measure_identity *id)
{
	char seed[MEASURE_ID_HEX], instance[MEASURE_ID_HEX] = "", app[MEASURE_ID_HEX];

	str_hex(seed, id->seed, sizeof(id->seed));
	str_hex(app, id->app_id, sizeof(id->app_id));
	if (id->has_instance_id)
		str_hex(instance, id->instance_id, sizeof(id->instance_id));
	return xasprintf("{\"instance_id_seed\":\"%s\",\"instance_id\":\"%s\",\"app_id\":\"%s\"}",
			 seed, instance, app);
}

struct digest256 measure_gpu_policy(const json_t *policy)
{
	auto_free char *text = policy ? json_canonical(policy) : xstrdup("{}");

	return digest256_bytes(text, strlen(text));
}

static int emit_scripts(int dirfd, const struct tee *t, const struct measure_app *app,
			struct err *e)
{
	struct digest256 d;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < app->n_init_scripts; i++) {
		d = digest256_bytes(app->init_scripts[i], strlen(app->init_scripts[i]));
		r = runtime_log_emit(dirfd, t, "init-script-hash", d.b, sizeof(d.b), e);
	}
	return r;
}

int measure_boot(int log_dirfd, const struct tee *t, const struct measure_identity *id,
		 const struct measure_app *app, struct err *e)
{
	struct digest256 gpu = measure_gpu_policy(app->gpu_policy);
	int r;

	r = runtime_log_emit(log_dirfd, t, "system-preparing", NULL, 0, e);
	if (r == 0)
		r = runtime_log_emit(log_dirfd, t, "app-id", id->app_id, sizeof(id->app_id), e);
	if (r == 0)
		r = runtime_log_emit(log_dirfd, t, "compose-hash", id->compose_hash.b,
				     sizeof(id->compose_hash.b), e);
	if (r == 0)
		r = emit_scripts(log_dirfd, t, app, e);
	if (r == 0)
		r = runtime_log_emit(log_dirfd, t, "gpu-policy-hash", gpu.b, sizeof(gpu.b), e);
	if (r == 0)
		r = runtime_log_emit(log_dirfd, t, "instance-id", id->instance_id,
				     id->has_instance_id ? sizeof(id->instance_id) : 0, e);
	if (r == 0)
		r = runtime_log_emit(log_dirfd, t, "boot-mr-done", NULL, 0, e);
	return r;
}
