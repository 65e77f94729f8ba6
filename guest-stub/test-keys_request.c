/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_request: keys in each mode, what proves who asks for them, and that who asks a KMS is not root */
#undef NDEBUG
#include "guest-stub/request_keys.h"

#include <sys/wait.h>

#include "base/err.h"
#include "data/app_compose.h"
#include "data/app_keys_file.h"
#include "data/sys_config.h"
#include "guest-stub/test_kms.h"
#include "guest-stub/test_simulated.h"
#include "wire/attestation.h"

static struct test_kms_roots roots;
static struct test_simulated world;

struct asking {
	struct app_compose *app;
	struct sys_config *sys;
	struct request_keys a;
};

static void asking_init(struct asking *x, const char *provider, const char *kms_url)
{
	char pin[2 * P256_SPKI + 1];
	auto_free char *compose = NULL, *sys = NULL;

	str_hex(pin, roots.spki, sizeof(roots.spki));
	compose = xasprintf("{\"manifest_version\":\"3\",\"name\":\"n\",\"runner\":\"none\","
			    "\"key_provider\":\"%s\",\"key_provider_id\":\"%s\"}",
			    provider, str_equal(provider, "none") ? "" : pin);
	sys = xasprintf("{\"kms_urls\":[\"%s\"],\"vm_config\":\"{\\\"cpu_count\\\":1}\"}", kms_url);
	assert(app_compose_parse(compose, strlen(compose), &x->app, NULL) == 0);
	assert(sys_config_parse(sys, strlen(sys), &x->sys, NULL) == 0);
	x->a = (struct request_keys){ .app = x->app,
				      .sys = x->sys,
				      .tee = &world.tee,
				      .log = world.fd,
				      .deadline = time_mono_ms() + 60000 };
}

static void asking_deinit(struct asking *x)
{
	app_compose_free(x->app);
	sys_config_free(x->sys);
}

static int get(const struct asking *x, struct app_keys_file *ret, struct err *e)
{
	bool is_ours = true;
	int r = request_keys_get(&x->a, ret, &is_ours, e);

	assert(r < 0 || !is_ours);
	return r;
}

/* Is @cert bound to an attestation of this TD, with its log up to now? */
static void check_bound(const struct ratls *cert)
{
	struct attestation *a = xnew(struct attestation);

	assert(attestation_parse(cert->attestation.p, cert->attestation.n, a) == ATTESTATION_OK);
	assert(ratls_cert_is_bound(a->report_data, cert->key.p, cert->key.n));
	assert(a->n_runtime == 1 && a->runtime[0].name.n == strlen("boot-mr-done"));
	assert(a->config.n == strlen("{\"cpu_count\":1}"));
	free(a);
}

static void test_none_has_other_keys_each_time(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 }, again = { .n_id = 0 };
	struct ratls root = { .key.p = NULL };
	struct asking x;

	asking_init(&x, "none", "");
	assert(get(&x, &f, NULL) == 0 && get(&x, &again, NULL) == 0);
	assert(f.provider == APP_KEY_PROVIDER_NONE && f.n_id == 0 && !f.has_env);
	assert(memcmp(f.disk.b, again.disk.b, sizeof(f.disk.b)) != 0);
	assert(ratls_read(f.ca_cert, strlen(f.ca_cert), &root, NULL) == 0);
	check_bound(&root);
	ratls_deinit(&root);
	asking_deinit(&x);
}

static void test_kms_is_shown_an_attestation(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms k;
	struct asking x;

	test_kms_start(&k, &roots, KMS_HONEST);
	asking_init(&x, "kms", k.url);
	assert(get(&x, &f, NULL) == 0 && f.provider == APP_KEY_PROVIDER_KMS && f.has_env);
	check_bound(&k.client);
	asking_deinit(&x);
	test_kms_stop(&k);
}

/* In a process of its own, as there is no way back. */
static void test_rights_are_dropped(void)
{
	struct test_kms k;
	struct asking x;
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		puts("skipped: only root has rights to drop");
		return;
	}
	test_kms_start(&k, &roots, KMS_HONEST);
	asking_init(&x, "kms", k.url);
	x.a.drops_rights = true;
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		struct app_keys_file f = { .n_id = 0 };
		int r = get(&x, &f, NULL);

		_exit(r == 0 && getuid() == REQUEST_KEYS_USER && geteuid() == REQUEST_KEYS_USER &&
				      getegid() == REQUEST_KEYS_USER && setuid(0) < 0
			      ? 0
			      : 1);
	}
	assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	asking_deinit(&x);
	test_kms_stop(&k);
}

static void test_who_cannot_prove_itself_has_no_kms(void)
{
	struct guest_tee plain = { .registers.dirfd = world.fd };
	struct app_keys_file f = { .n_id = 0 };
	struct err e = ERR_NONE;
	struct asking x;

	plain.tee = registers_tee(&plain.registers);
	asking_init(&x, "kms", "https://127.0.0.1:1");
	x.a.tee = &plain;
	assert(get(&x, &f, &e) == ERR_MISSING);
	assert(strstr(e.text, "a KMS gives keys to who proves itself only") &&
	       strstr(e.text, "no TEE"));
	asking_deinit(&x);
	/* without a provider it has keys all the same */
	asking_init(&x, "none", "");
	x.a.tee = &plain;
	assert(get(&x, &f, &e) == 0 && f.ca_cert);
	app_keys_file_wipe(&f);
	asking_deinit(&x);
}

static void test_local_needs_a_host_that_can_be_called(void)
{
	struct app_keys_file f = { .n_id = 0 };
	struct err e = ERR_NONE;
	struct asking x;

	asking_init(&x, "local", "");
	assert(get(&x, &f, &e) == ERR_INPUT);
	assert(strstr(e.text, "Failed to get the key of the local key provider: ") &&
	       strstr(e.text, "host_api_url"));
	asking_deinit(&x);
}

int main(void)
{
	test_kms_roots_init(&roots);
	test_simulated_init(&world);
	test_none_has_other_keys_each_time();
	test_kms_is_shown_an_attestation();
	test_rights_are_dropped();
	test_who_cannot_prove_itself_has_no_kms();
	test_local_needs_a_host_that_can_be_called();
	test_simulated_deinit(&world);
	test_kms_roots_deinit(&roots);
	return 0;
}
