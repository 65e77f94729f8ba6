/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/request_keys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "crypto/x509.h"
#include "data/app_compose.h"
#include "data/app_keys_file.h"
#include "data/sys_config.h"
#include "guest-stub/boot.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/keys_answer.h"
#include "guest-stub/keys_kms.h"
#include "guest-stub/keys_seed.h"
#include "guest-stub/sgx_collateral.h"
#include "guest-stub/share.h"
#include "simulator/simulator.h"
#include "tee/evidence.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"
#include "tee/runtime_log.h"
#include "wire/attestation.h"

enum { LATE_S = 5 /* after the deadline, for saying what was wrong */ };

/* A quote, and the log of the same moment, as one attestation. */
static int attest(void *arg, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	const struct request_keys *a = arg;
	auto_buf struct buf quote = BUF_MAX(TEE_QUOTE_MAX);
	struct event_log runtime = { 0 };
	struct evidence ev = {
		.boot = &a->tee->boot,
		.runtime = &runtime,
		.report_data = report_data,
		.vm_config = a->sys->vm_config,
	};
	int lock = runtime_log_lock(a->log, e), r = lock < 0 ? lock : 0;

	if (r == 0)
		r = tee_quote(&a->tee->tee, report_data, &quote, e);
	if (r == 0)
		r = runtime_log_read(a->log, &runtime, e);
	runtime_log_unlock(lock);
	if (r == 0) {
		ev.quote = quote.p;
		ev.n_quote = quote.n;
		r = evidence_attestation(&ev, ret, e);
	}
	event_log_deinit(&runtime);
	return r;
}

/* From here on only memory and sockets are needed.  What is not root has nothing to drop: a test. */
static int drop_rights(struct err *e)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(REQUEST_KEYS_USER, REQUEST_KEYS_USER, REQUEST_KEYS_USER) < 0 ||
	    setresuid(REQUEST_KEYS_USER, REQUEST_KEYS_USER, REQUEST_KEYS_USER) < 0)
		return err_errno(e, errno, "let go of root's rights");
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_errno(e, errno, "forbid dumps") : 0;
}

static int from_kms(const struct request_keys *a, struct app_keys_file *ret, struct err *e)
{
	auto_p256_key struct p256_key key = { .point = { 0 } };
	auto_buf struct buf attestation = BUF_MAX(ATTESTATION_SIZE_MAX);
	struct keys_kms_args args = {
		.urls = a->sys->kms_urls.p,
		.n_urls = a->sys->kms_urls.n,
		.pin = a->app->key_provider_id,
		.n_pin = a->app->n_key_provider_id,
		.may_be_unpinned = a->app->key_provider_unpinned,
		.vm_config = a->sys->vm_config,
		.key = &key,
		.retry_ms = a->retry_ms,
		.pause_ms = KEYS_KMS_PAUSE_MS,
		.deadline = a->deadline,
	};
	struct report_data d;
	uint8_t spki[P256_SPKI];
	int r = p256_key_random(&key, e);

	if (r < 0)
		return r;
	p256_key_spki(&key, spki);
	ratls_cert_report_data(spki, sizeof(spki), &d);
	/* attest() takes it as it is */
	r = attest(mem_unconst(a), d.b, &attestation, e);
	if (r < 0)
		return err_wrap(e, r, "a KMS gives keys to who proves itself only");
	args.attestation = attestation.p;
	args.n_attestation = attestation.n;
	r = a->drops_rights ? drop_rights(e) : 0;
	return r ? r : keys_kms_get(&args, ret, e);
}

/* Where the TEE is simulated its enclaves are, too: whose root vouches for them is no secret there. */
static struct x509_cert *simulated_root(const struct guest_tee *t)
{
	struct x509_cert *root = NULL;
	const uint8_t *der;
	size_t n = 0;

	if (t->tee.kind != TEE_SIMULATED || !t->simulated.simulator)
		return NULL;
	der = simulator_root(t->simulated.simulator, &n);
	return x509_cert_read(der, n, &root, NULL) == 0 ? root : NULL;
}

static int from_local(const struct request_keys *a, struct app_keys_file *ret, bool *ret_is_ours,
		      struct err *e)
{
	struct x509_cert *root = simulated_root(a->tee);
	const struct keys_seed_local args = {
		.host_api_url = a->sys->host_api_url,
		.tee = &a->tee->tee,
		.pin = a->app->key_provider_id,
		.n_pin = a->app->n_key_provider_id,
		.may_be_unpinned = a->app->key_provider_unpinned,
		.collateral = sgx_collateral,
		.arg = mem_unconst(a->sys), /* it is only read */
		.root = root,
		.retry_ms = KEYS_SEED_RETRY_MS,
		.deadline = a->deadline,
	};
	struct provider_found found = { .kind = PROVIDER_SGX };
	int r = keys_seed_local(&args, &found, e);

	x509_cert_free(root);
	if (r < 0)
		return r;
	r = keys_seed_derive(&found.key, APP_KEY_PROVIDER_LOCAL, attest, mem_unconst(a), ret, e);
	secret_wipe(&found.key, sizeof(found.key));
	if (r < 0)
		return r;
	memcpy(ret->id, found.id, sizeof(found.id));
	ret->n_id = sizeof(found.id);
	*ret_is_ours = found.kind == PROVIDER_BAILEY;
	return 0;
}

static int from_chance(const struct request_keys *a, struct app_keys_file *ret, struct err *e)
{
	auto_secret struct secret32 seed;

	secret_random(seed.b, sizeof(seed.b));
	return keys_seed_derive(&seed, APP_KEY_PROVIDER_NONE, attest, mem_unconst(a), ret, e);
}

int request_keys_get(const struct request_keys *a, struct app_keys_file *ret, bool *ret_is_ours,
		     struct err *e)
{
	*ret_is_ours = false;
	switch (a->app->key_provider) {
	case APP_KEY_PROVIDER_NONE:
		return from_chance(a, ret, e);
	case APP_KEY_PROVIDER_KMS:
		return from_kms(a, ret, e);
	case APP_KEY_PROVIDER_LOCAL:
		return from_local(a, ret, ret_is_ours, e);
	case APP_KEY_PROVIDER_TPM:
	case APP_KEY_PROVIDER_COUNT:
		break;
	}
	return err_set(e, ERR_INPUT, "key provider %s is not supported by this guest",
		       app_key_provider_name(a->app->key_provider));
}

/* No part of this fails in a guest; where it does, keys are no worse off than without. */
static void harden(void)
{
	const struct rlimit none = { 0 }, all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct itimerval end = { .it_value.tv_sec = REQUEST_KEYS_MS / 1000 + LATE_S };

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	(void)setitimer(ITIMER_REAL, &end, NULL);
}

/* What was handed to the guest; PID 1 has looked at all of it before. */
struct inputs {
	int share, log;
	struct buf compose, sys_text;
	struct app_compose *app;
	struct sys_config *sys;
	struct guest_tee tee;
};

static void inputs_deinit(struct inputs *in)
{
	guest_tee_deinit(&in->tee);
	app_compose_free(in->app);
	sys_config_free(in->sys);
	buf_deinit(&in->compose);
	buf_deinit(&in->sys_text);
	in->share = fd_close(in->share);
	in->log = fd_close(in->log);
}

static int inputs_read(const char *share, const char *log, struct inputs *in, struct err *e)
{
	int r;

	in->share = open(share, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in->log = open(log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->share < 0 || in->log < 0)
		return err_errno(e, errno, "open %s and %s", share, log);
	r = file_read(in->share, SHARE_SYS_CONFIG, SHARE_SYS_CONFIG_MAX, &in->sys_text, e);
	if (r == 0)
		r = sys_config_parse(in->sys_text.p, in->sys_text.n, &in->sys, e);
	if (r == 0)
		r = file_read(in->share, SHARE_COMPOSE, SHARE_COMPOSE_MAX, &in->compose, e);
	if (r == 0)
		r = app_compose_parse(in->compose.p, in->compose.n, &in->app, e);
	return r ? r : guest_tee_init(&in->tee, in->share, in->log, e);
}

int request_keys_run(const char *folder)
{
	auto_app_keys_file struct app_keys_file keys = { .provider = APP_KEY_PROVIDER_NONE };
	struct inputs in = { .share = -1, .log = -1 };
	struct request_keys a = { .retry_ms = KEYS_KMS_RETRY_MS,
				  .deadline = time_mono_ms() + REQUEST_KEYS_MS,
				  .drops_rights = true };
	struct err e = ERR_NONE;
	bool is_ours = false;
	int r;

	harden();
	log_init(LOG_LEVEL_INFO);
	r = inputs_read(folder ? folder : BOOT_SHARE_DIR, folder ? folder : BOOT_LOG_DIR, &in, &e);
	if (r == 0) {
		assert(in.app && in.sys);
		a.app = in.app;
		a.sys = in.sys;
		a.tee = &in.tee;
		a.log = in.log;
		r = request_keys_get(&a, &keys, &is_ours, &e);
	}
	if (r == 0)
		r = keys_answer_put_keys(REQUEST_KEYS_FD, &keys, is_ours, &e);
	if (r < 0 && keys_answer_put_error(REQUEST_KEYS_FD, e.text, r == -EAGAIN) < 0)
		log_error("keys: %s", e.text);
	inputs_deinit(&in);
	return r < 0 ? 1 : 0;
}
