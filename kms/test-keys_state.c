/* SPDX-License-Identifier: Apache-2.0 */
/* What a key service keeps: sealed files, the keys in one, the audit log; and its configuration. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "kms/audit_log.h"
#include "kms/config.h"
#include "kms/keys.h"
#include "kms/seal.h"
#include "tee/boot_info.h"

enum { FILE_MAX = 1024 * 1024, SEALED_AT = 28, LINES = 40, STEP = 5 };

static char folder[] = "/tmp/keys-state-XXXXXX";

static void test_a_sealed_file_opens_with_its_key_and_name(void)
{
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY);
	struct secret32 key = { { 1 } }, other = { { 2 } };
	auto_buf struct buf raw = BUF_MAX(0);
	struct buf b = BUF_MAX(0);
	struct stat st;
	size_t i;

	assert(seal_write(dir, "a", &key, "secret", 6, NULL) == 0);
	assert(fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
	assert(seal_read(dir, "a", &key, &b, NULL) == 0 && b.n == 6 &&
	       memcmp(b.p, "secret", 6) == 0);
	secret_buf_deinit(&b);
	assert(seal_read(dir, "a", &other, &b, NULL) == ERR_CORRUPT);
	assert(seal_read(dir, "none", &key, &b, NULL) == -ENOENT);
	assert(renameat(dir, "a", dir, "b") == 0 &&
	       seal_read(dir, "b", &key, &b, NULL) == ERR_CORRUPT);
	assert(renameat(dir, "b", dir, "a") == 0 && file_read(dir, "a", FILE_MAX, &raw, NULL) == 0);
	for (i = 0; i < raw.n; i += STEP) {
		raw.p[i] ^= 1;
		assert(file_replace(dir, "a", 0600, raw.p, raw.n, NULL) == 0);
		assert(seal_read(dir, "a", &key, &b, NULL) == ERR_CORRUPT);
		raw.p[i] ^= 1;
		assert(file_replace(dir, "a", 0600, raw.p, i, NULL) == 0);
		assert(seal_read(dir, "a", &key, &b, NULL) == ERR_CORRUPT);
	}
	assert(unlinkat(dir, "a", 0) == 0);
	/* no two are alike, whatever is in them */
	assert(seal_write(dir, "a", &key, "secret", 6, NULL) == 0);
	buf_deinit(&raw);
	assert(file_read(dir, "a", FILE_MAX, &raw, NULL) == 0 && raw.n == SEALED_AT + 6 + 16);
	assert(unlinkat(dir, "a", 0) == 0);
}

static void test_keys_come_back_with_their_certificates(void)
{
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY);
	struct secret32 seal = { { 1 } };
	struct kms_keys k, back;
	int64_t now = (int64_t)(time_unix_ms() / 1000), years = INT64_C(365) * 86400;
	auto_buf struct buf raw = BUF_MAX(0);

	assert(kms_keys_load(dir, &seal, &back, NULL) == -ENOENT);
	assert(kms_keys_random(&k, NULL) == 0 && kms_keys_certify(&k, now, NULL) == 1);
	assert(kms_keys_certify(&k, now, NULL) == 0);
	assert(kms_keys_store(dir, &seal, &k, NULL) == 0);
	assert(file_read(dir, KMS_KEYS_FILE, FILE_MAX, &raw, NULL) == 0);
	assert(!memmem(raw.p, raw.n, k.ca.d.b, 32) && !memmem(raw.p, raw.n, "PRIVATE", 7));
	assert(kms_keys_load(dir, &seal, &back, NULL) == 0);
	assert(memcmp(back.roots.ca.b, k.roots.ca.b, 32) == 0);
	assert(memcmp(back.roots.k256.b, k.roots.k256.b, 32) == 0);
	assert(memcmp(back.ca_spki, k.ca_spki, P256_SPKI) == 0);
	assert(str_equal(back.ca_cert, k.ca_cert) && str_equal(back.tmp_ca_cert, k.tmp_ca_cert));
	/* anew, of the same key, when a year is left */
	assert(kms_keys_certify(&back, now + 8 * years, NULL) == 0);
	assert(kms_keys_certify(&back, now + 9 * years, NULL) == 1);
	assert(!str_equal(back.ca_cert, k.ca_cert) &&
	       memcmp(back.ca_spki, k.ca_spki, P256_SPKI) == 0);
	kms_keys_wipe(&k);
	kms_keys_wipe(&back);
	assert(secret_is_zero(&k, sizeof(k)) && secret_is_zero(&back, sizeof(back)));
	assert(unlinkat(dir, KMS_KEYS_FILE, 0) == 0);
}

static size_t lines_of(const char *name, struct buf *ret)
{
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY);
	size_t n = 0, i;

	buf_deinit(ret);
	*ret = BUF_MAX(0);
	assert(file_read(dir, name, FILE_MAX, ret, NULL) == 0);
	for (i = 0; i < ret->n; i++)
		n += ret->p[i] == '\n';
	(void)unlinkat(dir, name, 0);
	return n;
}

static void test_refusals_push_out_nothing(void)
{
	static char none[] = "";
	struct boot_info b = { .is_simulated = true,
			       .tcb_status = TCB_UP_TO_DATE,
			       .key_provider_info = none };
	const struct audit_log_line yes = { AUDIT_LOG_KEYS, "GetAppKey", "127.0.0.1 port 1", "rule",
					    &b };
	const struct audit_log_line no = { AUDIT_LOG_REFUSED, "GetAppKey", "x", "a\"b\n\x1b[31m",
					   NULL };
	auto_buf struct buf text = BUF_MAX(0);
	struct audit_log a;
	int i;

	assert(audit_log_open(&a, folder, FILE_MAX, NULL) == 0);
	assert(audit_log_add(&a, &yes, NULL) == 0);
	for (i = 0; i < AUDIT_LOG_REFUSALS + LINES; i++)
		assert(audit_log_add(&a, &no, NULL) == 0);
	audit_log_close(&a);
	assert(lines_of("refused.jsonl", &text) == AUDIT_LOG_REFUSALS);
	assert(strstr((const char *)text.p, "\"why\":\"a\\\"b\\\\x0a\\\\x1b[31m\""));
	assert(strstr((const char *)text.p, "\"allowed\":false") &&
	       strstr((const char *)text.p, "\"simulated\":null"));
	assert(lines_of("audit.jsonl", &text) == 1);
	assert(strstr((const char *)text.p, "\"simulated\":true") &&
	       strstr((const char *)text.p, "\"tcb_status\":\"UpToDate\""));
	assert(lines_of("certificates.jsonl", &text) == 0);
	assert(audit_log_open(&a, "/nonexistent", FILE_MAX, NULL) < 0);
}

static const char good[] = "domain: kms.example.org\nagent: /run/dstack.sock\nauthorize: { file: "
			   "/a }\n";

static void test_a_configuration(void)
{
	static const char *const bad[] = {
		"",
		"domain: -x\n",
		"domain: kms\nauthorize: { file: /a }\n",
		"domain: kms\nagent: /a\n",
		"domain: kms\nagent: /a\nauthorize: { file: /a, webhook: https://x }\n",
		"domain: kms\nattest_certificate: false\nself_authorization: false\n"
		"authorize: { file: /a }\n",
		"domain: kms\nagent: /a\nauthorize: { file: /a }\nquotes: { accept: [ Revoked ] "
		"}\n",
		"domain: kms\nagent: /a\nauthorize: { file: /a }\nadmin: { listen: 127.0.0.1:1 }\n",
		"domain: kms\nagent: /a\nauthorize: { file: /a }\nquotes: { simulated_roots: [ { "
		"root: /r } ] }\n",
		"domain: kms\nagent: /a\nauthorize: { file: /a }\nlisten: [ 8000 ]\n",
	};
	struct kms_config *c = NULL;
	auto_buf struct buf shown = BUF_MAX(FILE_MAX);
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(kms_config_parse(bad[i], strlen(bad[i]), "k", &c, &e) == ERR_INPUT &&
		       str_starts(e.text, "k:"));
	assert(kms_config_parse(good, sizeof(good) - 1, "k", &c, NULL) == 0);
	assert(c->attests && c->checks_self && c->accept == 1u << TCB_UP_TO_DATE &&
	       c->n_roots == 0);
	assert(c->n_names == 1 && str_equal(c->listen[0], "0.0.0.0:8000") && !c->acpi_computed);
	kms_config_print(c, &shown);
	kms_config_free(c);
	/* what is shown is one */
	assert(kms_config_parse((const char *)shown.p, shown.n, "k", &c, NULL) == 0);
	kms_config_free(c);
}

/* After its header it is the table itself: no key and no default can be missing or old. */
static void test_the_example_names_every_key(void)
{
	static const char path[] = SOURCE_DIR "/configs/bailey-kms.yaml";
	auto_buf struct buf b = BUF_MAX(0), want = BUF_MAX(FILE_MAX);
	const char *body;
	json_t *doc = NULL;

	assert(conf_describe(kms_config_table, &want) == 0);
	assert(file_read(AT_FDCWD, path, FILE_MAX, &b, NULL) == 0);
	body = strstr((const char *)b.p, "\n\n");
	if (!body || !str_equal(body + 2, (const char *)want.p))
		(void)fprintf(stderr, "%s", (const char *)want.p);
	assert(body && str_equal(body + 2, (const char *)want.p));
	assert(conf_load_file(kms_config_table, path, &doc, NULL) == 0);
	json_decref(doc);
}

static void test_domains(void)
{
	static const char *const good_ones[] = { "a", "a.b", "10.0.2.2", "::1", "a-b.c9" };
	static const char *const bad_ones[] = { "",   ".",  "a.",  ".a", "a..b",
						"-a", "a-", "a b", "a/b" };
	size_t i;

	for (i = 0; i < sizeof(good_ones) / sizeof(*good_ones); i++)
		assert(kms_config_is_domain(good_ones[i]));
	for (i = 0; i < sizeof(bad_ones) / sizeof(*bad_ones); i++)
		assert(!kms_config_is_domain(bad_ones[i]));
}

int main(void)
{
	assert(mkdtemp(folder));
	test_a_sealed_file_opens_with_its_key_and_name();
	test_keys_come_back_with_their_certificates();
	test_refusals_push_out_nothing();
	test_a_configuration();
	test_the_example_names_every_key();
	test_domains();
	assert(rmdir(folder) == 0);
	return 0;
}
