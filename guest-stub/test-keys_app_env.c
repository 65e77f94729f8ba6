/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "guest-stub/app_env.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/env_box.h"
#include "data/app_compose.h"
#include "data/app_keys_file.h"
#include "data/env_plain.h"

#define COMPOSE                                                                                    \
	"{\"manifest_version\":\"3\",\"name\":\"n\",\"runner\":\"none\",\"key_provider\":\"kms\"," \
	"\"key_provider_id\":\"ab\",\"allowed_envs\":[\"A\",\"B\"]}"

static struct app_compose *app;
static struct app_keys_file keys = { .env = { { 7 } }, .has_env = true };
static char dir[] = "app-env-XXXXXX";
static int share;

static void put(const void *p, size_t n)
{
	assert(file_replace(share, ".encrypted-env", 0600, p, n, NULL) == 0);
}

static void seal_to(const struct secret32 *secret, const char *text, struct buf *ret)
{
	uint8_t key[X25519_PUBLIC];

	assert(x25519_public(secret, key, NULL) == 0);
	assert(env_box_seal(key, text, strlen(text), ret, NULL) == 0);
}

static void seal(const char *text)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);

	seal_to(&keys.env, text, &b);
	put(b.p, b.n);
}

static void refused(int code, const char *words)
{
	struct env_plain *v = NULL;
	struct err e = ERR_NONE;

	assert(app_env_open(share, &keys, app, &v, &e) == code && !v);
	assert(strstr(e.text, ".encrypted-env") && strstr(e.text, words));
	assert(!strstr(e.text, "hush"));
}

static void reads(const char *name, const char *text)
{
	auto_buf struct buf b = { 0 };
	struct stat st;

	assert(file_read(share, name, 4096, &b, NULL) == 0);
	assert(b.n == strlen(text) && memcmp(b.n ? (char *)b.p : "", text, b.n) == 0);
	assert(fstatat(share, name, &st, 0) == 0 && (st.st_mode & 07777) == 0600);
}

static void test_opened_and_written(void)
{
	static const char *const base[] = { "PATH=/bin", NULL };
	struct env_plain *v = NULL;
	char **vars;

	seal("{\"env\":[{\"key\":\"B\",\"value\":\"two words\"},{\"key\":\"A\",\"value\":\"hush\"},"
	     "{\"key\":\"X\",\"value\":\"not allowed\"}]}");
	assert(app_env_open(share, &keys, app, &v, NULL) == 0 && v->n == 2 && v->n_skipped == 1);
	assert(app_env_write(share, v, NULL) == 0);
	reads(APP_ENV_FILE, "A=hush\nB=\"two words\"\n");
	reads(APP_ENV_FILE_JSON, "{\"A\":\"hush\",\"B\":\"two words\"}");
	vars = app_env_vars(base, v);
	assert(str_equal(vars[0], "PATH=/bin") && str_equal(vars[1], "A=hush") &&
	       str_equal(vars[2], "B=two words") && !vars[3]);
	app_env_vars_free(vars);
	env_plain_free(v);
}

static void test_none_is_written_empty(void)
{
	static const char *const base[] = { "PATH=/bin", NULL };
	struct env_plain *v = NULL;
	char **vars;

	put("", 0);
	assert(app_env_open(share, &keys, app, &v, NULL) == 0 && !v);
	assert(unlinkat(share, ".encrypted-env", 0) == 0);
	assert(app_env_open(share, &keys, app, &v, NULL) == 0 && !v);
	assert(app_env_write(share, NULL, NULL) == 0);
	reads(APP_ENV_FILE, "");
	reads(APP_ENV_FILE_JSON, "{}");
	vars = app_env_vars(base, NULL);
	assert(str_equal(vars[0], "PATH=/bin") && !vars[1]);
	app_env_vars_free(vars);
	app_env_vars_free(NULL);
}

static void test_what_cannot_be_opened_is_an_error(void)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	const struct secret32 other = { { 8 } };

	put("short", 5);
	refused(ERR_INPUT, "");
	seal_to(&other, "{\"env\":[]}", &b);
	put(b.p, b.n);
	refused(ERR_INPUT, "");
	b.n = 0;
	seal_to(&keys.env, "{\"env\":[]}", &b);
	put(b.p, b.n - 1);
	refused(ERR_INPUT, "");
	b.p[b.n / 2] ^= 1;
	put(b.p, b.n);
	refused(ERR_INPUT, "");
}

static void test_no_key_is_an_error(void)
{
	seal("{\"env\":[]}");
	keys.has_env = false;
	refused(ERR_INPUT, "key provider kms has no key for it");
	keys.has_env = true;
}

static void test_what_no_environment_may_hold(void)
{
	seal("[\"hush\"]");
	refused(ERR_INPUT, "not JSON of the form");
	seal("{\"env\":[{\"key\":\"A\",\"value\":\"hush\"},{\"key\":\"A\",\"value\":\"hush\"}]}");
	refused(ERR_INPUT, "items 1 and 2 have the same name");
	seal("{\"env\":[{\"key\":\"A\",\"value\":\"hush\\u0000\"}]}");
	refused(ERR_INPUT, "NUL");
	seal("{\"env\":[{\"key\":\"LD_PRELOAD\",\"value\":\"hush\"}]}");
	refused(ERR_INPUT, "item 1: its name changes which program runs");
}

int main(void)
{
	assert(app_compose_parse(COMPOSE, strlen(COMPOSE), &app, NULL) == 0);
	assert(mkdtemp(dir));
	share = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_opened_and_written();
	test_none_is_written_empty();
	test_what_cannot_be_opened_is_an_error();
	test_no_key_is_an_error();
	test_what_no_environment_may_hold();
	assert(unlinkat(share, ".encrypted-env", 0) == 0);
	assert(unlinkat(share, APP_ENV_FILE, 0) == 0);
	assert(unlinkat(share, APP_ENV_FILE_JSON, 0) == 0);
	assert(rmdir(dir) == 0);
	(void)fd_close(share);
	app_compose_free(app);
	return 0;
}
