/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "app/app_files.h"
#include "app/compose.h"
#include "app/host_port.h"
#include "crypto/digest.h"
#include "data/app_compose.h"
#include "data/faults.h"

void app_deinit(struct app *a)
{
	free(a->file);
	json_decref(a->doc);
	free(a->compose);
	free(a->user_config);
	free(a->sealed);
	*a = APP_NULL;
}

int app_error(const struct app *a, const char *path, struct err *e, const char *fmt, ...)
{
	char why[400], in_file[128];
	const char *at = path; /* as it was written */
	int line = conf_line(a->doc, path);
	va_list ap;

	if (line == 0 && str_format(in_file, sizeof(in_file), "%s_file", path) > 0) {
		at = in_file;
		line = conf_line(a->doc, at);
	}

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 forgets va_start() of what it inlines */
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (a->faults) {
		faults_add(a->faults, (unsigned int)line, (unsigned int)conf_column(a->doc, at),
			   path, why);
		if (a->faults->n > 1)
			return ERR_INPUT; /* @e has the first */
	}
	if (line > 0)
		return err_set(e, ERR_INPUT, "%s:%d: %s: %s", a->file, line, path, why);
	return err_set(e, ERR_INPUT, "%s: %s: %s", a->file, path, why);
}

const json_t *app_get(const struct app *a, const char *path)
{
	const json_t *at = a->doc;
	const char *dot;
	char key[64];

	for (; path; path = dot ? dot + 1 : NULL) {
		dot = strchr(path, '.');
		if (str_format(key, sizeof(key), "%.*s",
			       dot ? (int)(dot - path) : (int)strlen(path), path) < 0)
			return NULL;
		at = json_object_get(at, key);
	}
	return at;
}

const char *app_str(const struct app *a, const char *path)
{
	const char *s = json_string_value(app_get(a, path));

	return s ? s : "";
}

/* After @rc, is there more to look at? */
static bool goes_on(const struct app *a, int rc)
{
	return rc == 0 || (rc == ERR_INPUT && a->faults);
}

/* Two ports of one app that cannot both be bound. */
static int check_ports(const struct app *a, struct err *e)
{
	const json_t *ports = app_get(a, "ports"), *x, *y;
	struct host_port hx, hy;
	char path[64];
	size_t i, j;

	json_array_foreach(ports, i, x) {
		if (host_port_parse(json_string_value(json_object_get(x, "host")), &hx, e) < 0)
			return ERR_INPUT;
		for (j = 0; j < i; j++) {
			y = json_array_get(ports, j);
			if (host_port_parse(json_string_value(json_object_get(y, "host")), &hy, e) <
			    0)
				return ERR_INPUT;
			if (!host_port_clash(&hx, &hy) ||
			    !json_equal(json_object_get(x, "protocol"),
					json_object_get(y, "protocol")))
				continue;
			(void)str_format(path, sizeof(path), "ports[%zu].host", i);
			return app_error(a, path, e,
					 "port %u of the host is taken by ports[%zu]; "
					 "write another",
					 hx.port, j);
		}
	}
	return 0;
}

static int check_init_scripts(const struct app *a, struct err *e)
{
	const json_t *scripts = app_get(a, "app.init_scripts"), *s;
	char path[64];
	size_t i;

	json_array_foreach(scripts, i, s) {
		if (json_object_get(s, "script"))
			continue;
		(void)str_format(path, sizeof(path), "app.init_scripts[%zu]", i);
		return app_error(a, path, e, "an init script needs a script or a script_file");
	}
	return 0;
}

/* What an app needs depends on its runner; what another runner needs is a mistake. */
static int check_runner(const struct app *a, struct err *e)
{
	const char *runner = app_str(a, "app.runner");
	bool is_bash = str_equal(runner, "bash"), is_none = str_equal(runner, "none");
	bool has_script = app_get(a, "app.script") != NULL;
	bool has_compose = app_get(a, "app.docker_compose") != NULL;

	if (has_script && !is_bash)
		return app_error(a, "app.script", e,
				 "the runner %s runs no script; write runner: bash", runner);
	if (is_bash && !has_script) {
		return app_error(a, "app.runner", e,
				 "the runner bash needs a script; write app.script "
				 "or app.script_file");
	}
	if (has_compose && (is_bash || is_none)) {
		return app_error(a, "app.docker_compose", e,
				 "the runner %s reads no docker-compose.yaml; write runner: "
				 "docker-compose",
				 runner);
	}
	if (!is_bash && !is_none && !has_compose) {
		return app_error(
			a, "app.runner", e,
			"the runner %s needs app.docker_compose or app.docker_compose_file",
			runner);
	}
	return 0;
}

/*
 * A guest that takes keys from anybody takes its host's: whoever wrote the app must have said that this will do.
 */
static int check_pin(const struct app *a, struct err *e)
{
	const char *provider = app_str(a, "key_provider");
	bool is_kms = str_equal(provider, "kms");
	bool is_pinned = app_get(a, "key_provider_id") != NULL;
	bool is_unpinned = json_is_true(app_get(a, "key_provider_unpinned"));

	if (is_pinned && is_unpinned)
		return app_error(a, "key_provider_unpinned", e,
				 "key_provider_id pins it; remove one of them");
	if (is_pinned || is_unpinned || (!is_kms && !str_equal(provider, "local")))
		return 0;
	return app_error(a, "key_provider", e,
			 "the host could put a %s of its own in place of yours; write the "
			 "key_provider_id that %s, or for development key_provider_unpinned: true",
			 is_kms ? "KMS" : "key provider",
			 is_kms ? "bailey keys pin prints" : "bailey-key-provider says");
}

static int check_key_provider(const struct app *a, struct err *e)
{
	static const char *const pins[] = { "key_provider_id", "key_provider_unpinned" };
	size_t i;

	if (!str_equal(app_str(a, "key_provider"), "none"))
		return check_pin(a, e);
	for (i = 0; i < sizeof(pins) / sizeof(*pins); i++) {
		if (app_get(a, pins[i]) && !json_is_false(app_get(a, pins[i])))
			return app_error(a, pins[i], e,
					 "there is no key provider; write key_provider: kms");
	}
	return 0;
}

/* Of one that is written here; a ready app-compose.json is asked by who seals. */
static int check_env_provider(const struct app *a, const char *key, struct err *e)
{
	if (app_get(a, "compose_file") || str_equal(app_str(a, "key_provider"), "kms"))
		return 0;
	return app_error(a, key, e,
			 "only a KMS has a key that it could be sealed to; write "
			 "key_provider: kms");
}

static int check_env(const struct app *a, struct err *e)
{
	bool has_file = app_get(a, "env_file") != NULL,
	     has_sealed = app_get(a, "env_sealed") != NULL;

	if (has_file && has_sealed)
		return app_error(a, "env_sealed", e, "env_file is written too; write one of them");
	if (has_sealed)
		return check_env_provider(a, "env_sealed", e);
	if (app_get(a, "kms_signer") && !has_file)
		return app_error(a, "kms_signer", e,
				 "there is nothing to seal; write env_file, or remove this");
	if (!has_file)
		return 0;
	if (!app_get(a, "kms_signer")) {
		return app_error(a, "env_file", e,
				 "the host could put a key of its own in place of the app's; write "
				 "the kms_signer that bailey keys pin prints");
	}
	return check_env_provider(a, "env_file", e);
}

static int check_gpus(const struct app *a, struct err *e)
{
	const json_t *gpus = app_get(a, "resources.gpus"), *slot;
	size_t i;

	json_array_foreach(gpus, i, slot) {
		if (json_array_size(gpus) > 1 && str_equal(json_string_value(slot), "all"))
			return app_error(a, "resources.gpus", e,
					 "all stands alone; write [all], or slots without it");
	}
	return 0;
}

/* What stands there twice, or would lead nowhere. */
static int check_port_policy(const struct app *a, struct err *e)
{
	const json_t *ports = app_get(a, "port_policy.ports"), *x;
	char path[64];
	size_t i, j;

	if (conf_line(a->doc, "port_policy") > 0 && !json_is_true(app_get(a, "gateway"))) {
		return app_error(a, "port_policy", e,
				 "there is no gateway; write gateway: true, or remove this");
	}
	if (app_get(a, "ready_port") && !json_is_true(app_get(a, "gateway"))) {
		return app_error(a, "ready_port", e,
				 "there is no gateway; write gateway: true, or remove this");
	}
	json_array_foreach(ports, i, x) {
		for (j = 0; j < i; j++) {
			if (!json_equal(json_object_get(x, "port"),
					json_object_get(json_array_get(ports, j), "port")))
				continue;
			(void)str_format(path, sizeof(path), "port_policy.ports[%zu].port", i);
			return app_error(a, path, e, "is there twice; remove one");
		}
	}
	return 0;
}

static int check_gateway(const struct app *a, struct err *e)
{
	if (!app_get(a, "gateway_service") || !json_is_true(app_get(a, "gateway")))
		return 0;
	return app_error(a, "gateway", e,
			 "it is a gateway itself and cannot be reached through one; remove this");
}

static int check_across(const struct app *a, struct err *e)
{
	static int (*const checks[])(const struct app *a, struct err *e) = {
		check_ports,	    check_gpus,		check_env,    check_gateway,
		check_key_provider, check_init_scripts, check_runner, check_port_policy,
	};
	/* beside a ready app-compose.json only what the VM is and is given counts: it has the rest */
	size_t n = app_get(a, "compose_file") ? 4 : sizeof(checks) / sizeof(checks[0]), i;
	int rc = 0, one;

	for (i = 0; i < n && goes_on(a, rc); i++) {
		one = checks[i](a, e);
		rc = one < 0 ? one : rc;
	}
	return rc;
}

/* Read it as a guest will: what it would refuse at its boot is told now. */
static int check_compose(const struct app *a, struct err *e)
{
	struct app_compose *c = NULL;
	struct err why = ERR_NONE;
	int rc;

	if (strlen(a->compose) > APP_TEXT_MAX)
		return err_set(e, ERR_INPUT, "%s: its app-compose.json would be larger than %d MiB",
			       a->file, APP_TEXT_MAX >> 20);
	rc = app_compose_parse(a->compose, strlen(a->compose), &c, &why);
	if (rc == 0)
		rc = app_compose_check(c, &why);
	app_compose_free(c);
	if (rc == 0)
		return 0;
	return app_error(a, app_get(a, "compose_file") ? "compose_file" : "app", e, "%s", why.text);
}

static void hash(struct app *a)
{
	struct digest256 d = digest256_bytes(a->compose, strlen(a->compose));

	str_hex(a->hash, d.b, sizeof(d.b));
}

int app_parse_from(const void *p, size_t n, const struct app_origin *o, struct app *ret,
		   struct err *e)
{
	auto_app struct app a = APP_NULL;
	int rc, across;

	a.file = xstrdup(o->file);
	rc = conf_load_all(app_table, p, n, o->file, &a.doc, o->faults, e);
	if (rc < 0)
		return rc;
	a.faults = o->faults;
	rc = app_files_read(&a, o, e);
	if (goes_on(&a, rc)) {
		across = check_across(&a, e);
		rc = across < 0 ? across : rc;
	}
	if (rc == 0 && !a.compose)
		a.compose = compose_text(&a);
	if (rc == 0)
		rc = check_compose(&a, e);
	if (rc < 0)
		return rc;
	hash(&a);
	a.faults = NULL;
	*ret = a;
	a = APP_NULL;
	return 0;
}

int app_parse(const void *p, size_t n, const char *file, const char *dir, struct app *ret,
	      struct err *e)
{
	const struct app_origin o = { .file = file, .dir = dir };

	return app_parse_from(p, n, &o, ret, e);
}

int app_load(const char *path, struct app *ret, struct err *e)
{
	auto_buf struct buf text = BUF_MAX(0);
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int rc = file_read(AT_FDCWD, path, APP_FILE_MAX, &text, e);

	if (rc < 0) /* a file that is not there or cannot be read: the operator named it */
		return rc == -ENOMEM ? rc : ERR_INPUT;
	if (slash && str_format(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path) < 0)
		return err_set(e, ERR_INPUT, "the path %.200s... is too long", path);
	rc = app_parse(text.p, text.n, path, dir, ret, e);
	return rc == ERR_LIMIT ? ERR_INPUT
			       : rc; /* too much of something: trying again will not help */
}
