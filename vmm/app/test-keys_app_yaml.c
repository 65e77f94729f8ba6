/* SPDX-License-Identifier: Apache-2.0 */
/* Test what an app's YAML says of keys: pins, environments, and what of it is measured. */
#undef NDEBUG
#include "app/app_yaml.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/changes.h"
#include "app/create.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/faults.h"
#include "data/json.h"

#define SIGNER "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f"
#define KMS    "name: x\ntee: none\nkey_provider: kms\nkey_provider_id: \"3059\"\n"

enum { SEALED = 61 };

static char scratch[] = "/tmp/b-keys-XXXXXX";

static int parse(const char *text, struct app *ret, struct err *e)
{
	return app_parse(text, strlen(text), "app.yaml", scratch, ret, e);
}

static void good(const char *text, struct app *ret)
{
	struct err e = ERR_NONE;

	if (parse(text, ret, &e) < 0)
		(void)fprintf(stderr, "%s%s\n", text, e.text);
	assert(e.code == 0);
}

static void bad(const char *text, const char *want, const char *also)
{
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;
	int rc = parse(text, &a, &e);

	if (rc != ERR_INPUT || !str_starts(e.text, want) || !strstr(e.text, also))
		(void)fprintf(stderr, "%s    said %d: %s\n", text, rc, e.text);
	assert(rc == ERR_INPUT && str_starts(e.text, want) && strstr(e.text, also));
}

static void test_a_provider_is_pinned_or_said_not_to_be(void)
{
	auto_app struct app pinned = APP_NULL, unpinned = APP_NULL, local = APP_NULL;

	bad("name: x\nkey_provider: kms\n", "app.yaml:2: key_provider: the host could put a KMS",
	    "key_provider_unpinned: true");
	bad("name: x\nkey_provider: kms\nkey_provider_unpinned: false\n",
	    "app.yaml:2: key_provider: ", "bailey keys pin");
	bad("name: x\nkey_provider: kms\nkey_provider_unpinned: true\nkey_provider_id: \"00\"\n",
	    "app.yaml:3: key_provider_unpinned: key_provider_id pins it", "remove one");
	bad("name: x\nkey_provider_unpinned: true\n",
	    "app.yaml:2: key_provider_unpinned: there is no key provider", "key_provider: kms");
	good(KMS, &pinned);
	assert(!strstr(pinned.compose, "unpinned"));
	good("name: x\nkey_provider: kms\nkey_provider_unpinned: true\n", &unpinned);
	assert(strstr(unpinned.compose, "\"key_provider_unpinned\":true"));
	bad("name: x\nkey_provider: local\n",
	    "app.yaml:2: key_provider: the host could put a key provider", "key_provider_id");
	good("name: x\nkey_provider: local\nkey_provider_unpinned: true\n", &local);
	assert(strstr(local.compose, "\"key_provider_unpinned\":true"));
}

static void test_only_what_was_signed_is_sealed_to(void)
{
	bad(KMS "env_file: a\n", "app.yaml:5: env_file: the host could put a key", "kms_signer");
	bad(KMS "kms_signer: " SIGNER "\n", "app.yaml:5: kms_signer: there is nothing to seal",
	    "env_file");
	bad("name: x\nenv_file: a\nkms_signer: " SIGNER "\n",
	    "app.yaml:2: env_file: only a KMS has a key", "key_provider: kms");
	bad("name: x\nkey_provider: local\nenv_file: a\nkms_signer: " SIGNER "\n",
	    "app.yaml:3: env_file: only a KMS has a key", "key_provider: kms");
	bad("name: x\nenv_sealed: sealed\n", "app.yaml:2: env_sealed: only a KMS", "kms");
	bad(KMS "env_file: a\nenv_sealed: sealed\nkms_signer: " SIGNER "\n",
	    "app.yaml:6: env_sealed: env_file is written too", "one of them");
	bad(KMS "env_file: a\nkms_signer: 04" SIGNER "\n", "app.yaml:6: kms_signer: ", "66 hex");
	bad(KMS "env_file: a\nkms_signer: "
		"\"0417610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221ed"
		"a0c38f\"\n",
	    "app.yaml:6: kms_signer: ", "bailey keys");
}

static void test_names_that_change_programs_are_refused(void)
{
	bad("name: x\nenv: [ A, LD_PRELOAD ]\n", "app.yaml:2: env[1]: \"LD_PRELOAD\" changes", "");
	bad("name: x\nenv: [ DOCKER_HOST ]\n", "app.yaml:2: env[0]: \"DOCKER_HOST\"", "");
}

/* An auditor who has the YAML and not the secrets gets the same hash. */
static void test_secrets_are_not_measured_nor_opened(void)
{
	auto_app struct app without = APP_NULL, with = APP_NULL;

	good(KMS "env: [ A ]\n", &without);
	good(KMS "env: [ A ]\nenv_file: is-nowhere.env\nkms_signer: " SIGNER "\n", &with);
	assert(str_equal(with.compose, without.compose) && !with.sealed);
	assert(str_equal(app_str(&with, "env_file"), "is-nowhere.env"));
}

static void test_sealed_bytes_are_passed_on(void)
{
	auto_app struct app a = APP_NULL;
	json_t *request;

	good(KMS "env_sealed: sealed\n", &a);
	assert(a.sealed && strlen(a.sealed) == 2 * SEALED && str_starts(a.sealed, "737373"));
	request = create_request(&a, "i", false);
	assert(str_equal(json_get_str(request, "encrypted_env", ""), a.sealed));
	json_decref(request);
	bad(KMS "env_sealed: short\n", "app.yaml:5: env_sealed: \"short\" has 3 bytes",
	    "bailey env seal");
	bad(KMS "env_sealed: nowhere\n", "app.yaml:5: env_sealed: \"nowhere\" cannot be read", "");
}

/* What the console is sent its host sees. */
static void test_the_console_is_given_no_secret(void)
{
	static const char text[] = KMS "env_file: a\nkms_signer: " SIGNER "\n";
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin o = { .file = "app.yaml", .faults = &all };
	auto_app struct app a = APP_NULL;

	assert(app_parse_from(text, strlen(text), &o, &a, NULL) == ERR_INPUT);
	assert(all.n == 1 && all.list[0].line == 5 && str_equal(all.list[0].key, "env_file"));
	assert(strstr(all.list[0].message, "your own machine"));
}

static json_t *vm_with(const char *sealed)
{
	auto_app struct app a = APP_NULL;
	json_t *j;

	good(KMS, &a);
	j = create_request(&a, "i", false);
	(void)json_object_set_new(j, "encrypted_env", json_string(sealed));
	return j;
}

static void test_an_environment_is_replaced_and_removed(void)
{
	auto_app struct app none = APP_NULL, one = APP_NULL;
	auto_changes struct changes c = CHANGES_NULL;
	json_t *vm = vm_with("aabb");

	good(KMS, &none);
	changes_find(&none, vm, &c);
	assert(c.n == 1 && str_equal(c.list[0].field, "env") && !c.list[0].to);
	assert(json_is_true(json_object_get(c.request, "clear_encrypted_env")));
	changes_deinit(&c);

	good(KMS "env_sealed: sealed\n", &one);
	changes_find(&one, vm, &c);
	assert(c.n == 1 && str_equal(json_get_str(c.request, "encrypted_env", ""), one.sealed));
	assert(!json_object_get(c.request, "clear_encrypted_env"));
	changes_deinit(&c);
	json_decref(vm);

	vm = vm_with(one.sealed);
	changes_find(&one, vm, &c);
	assert(c.n == 0);
	one.leaves_env = true;
	changes_deinit(&c);
	json_decref(vm);

	vm = vm_with("ccdd");
	none.leaves_env = true; /* the console's */
	changes_find(&none, vm, &c);
	assert(c.n == 0);
	json_decref(vm);
}

/* A shipped app with @more behind it, and in place of @old (NULL: nothing) @new. */
static char *shipped(const char *name, const char *old, const char *new, const char *more)
{
	auto_buf struct buf text = BUF_MAX(0);
	const char *at, *all;

	assert(file_read(AT_FDCWD, name, APP_FILE_MAX, &text, NULL) == 0);
	all = (const char *)text.p;
	at = old ? strstr(all, old) : NULL;
	assert(!old || at);
	return at ? xasprintf("%.*s%s%s%s", (int)(at - all), all, new, at + strlen(old), more)
		  : xasprintf("%s%s", all, more);
}

/* They say what their operator must decide, and are good when that is written. */
static void test_shipped_apps_want_their_pins(void)
{
	static const char pins[] = "key_provider: kms\nkey_provider_id: \"3059\"\n"
				   "kms_signer: \"" SIGNER "\"\n";
	auto_free char *kms = shipped(SOURCE_DIR "/configs/kms.yaml", NULL, "", "");
	auto_free char *pinned = shipped(SOURCE_DIR "/configs/kms.yaml", "#key_provider_id: \"\"",
					 "key_provider_id: \"00\"", "");
	auto_free char *secret = shipped(SOURCE_DIR "/configs/apps/secret.yaml", NULL, "", "");
	auto_free char *whole = shipped(SOURCE_DIR "/configs/apps/secret.yaml", NULL, "", pins);
	auto_free char *gateway = shipped(SOURCE_DIR "/configs/gateway.yaml", NULL, "", "");
	auto_free char *one = shipped(SOURCE_DIR "/configs/gateway.yaml", NULL, "", pins);
	auto_app struct app a = APP_NULL, b = APP_NULL, c = APP_NULL;

	bad(kms, "app.yaml:", "key_provider: the host could put a key provider of its own");
	good(pinned, &a);
	assert(str_equal(app_str(&a, "image"), "bailey-kms-0.1.0"));
	bad(secret, "app.yaml:", "kms_signer that bailey keys pin prints");
	good(whole, &b);
	bad(gateway, "app.yaml:", "kms_signer that bailey keys pin prints");
	good(one, &c);
	assert(str_equal(app_str(&c, "image"), "bailey-gateway-0.1.0"));
	assert(str_equal(app_str(&c, "gateway_service.domain"), "bailey.localhost"));
}

static void make_files(void)
{
	char bytes[SEALED];
	int dirfd;

	memset(bytes, 's', sizeof(bytes));
	assert(mkdtemp(scratch));
	dirfd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert(dirfd >= 0);
	assert(file_replace(dirfd, "sealed", 0600, bytes, sizeof(bytes), NULL) == 0);
	assert(file_replace(dirfd, "short", 0600, "abc", 3, NULL) == 0);
	assert(file_replace(dirfd, "allow.signed.yaml", 0600, "abc", 3, NULL) == 0);
	assert(close(dirfd) == 0);
}

static void remove_files(void)
{
	static const char *const names[] = { "sealed", "short", "allow.signed.yaml" };
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert(str_format(path, sizeof(path), "%s/%s", scratch, names[i]) > 0);
		assert(unlink(path) == 0);
	}
	assert(rmdir(scratch) == 0);
}

int main(void)
{
	make_files();
	test_a_provider_is_pinned_or_said_not_to_be();
	test_only_what_was_signed_is_sealed_to();
	test_names_that_change_programs_are_refused();
	test_secrets_are_not_measured_nor_opened();
	test_sealed_bytes_are_passed_on();
	test_the_console_is_given_no_secret();
	test_an_environment_is_replaced_and_removed();
	test_shipped_apps_want_their_pins();
	remove_files();
	return 0;
}
