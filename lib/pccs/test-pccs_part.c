/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "pccs/pccs_part.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "pccs/pccs.h"
#include "pccs/pccs_cache.h"
#include "tee/quote_verify.h"
#include "wire/quote.h"

#define VECTOR SOURCE_DIR "/tests/vectors/quotes/ok_v4/"
#define URL    "https://pccs.example/part"

enum { MAX = 1 << 22 };

static json_t *collateral;

static const char *member(const char *key)
{
	const char *s = json_get_str(collateral, key, NULL);

	assert(s);
	return s;
}

/* A chain as a header holds it. */
static char *encoded(const char *text)
{
	char *s = xcalloc(3, strlen(text) + 1), *p = s;

	for (; *text; text++)
		p += snprintf(p, 4, "%%%02X", (unsigned int)*text);
	return s;
}

static int document(const char *format, const char *chain, struct pccs_part *ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(MAX);
	auto_free char *header = encoded(chain);
	const char *text = member("tcb_info"), *at = strchr(format, 'T'),
		   *sig = strchr(format, 'S');

	/* T and S of the format are the text and its signature */
	assert(at && sig && at < sig);
	assert(buf_add(&b, format, (size_t)(at - format)) == 0 && buf_add_str(&b, text) == 0 &&
	       buf_add(&b, at + 1, (size_t)(sig - at) - 1) == 0 &&
	       buf_add_str(&b, member("tcb_info_signature")) == 0 && buf_add_str(&b, sig + 1) == 0);
	return pccs_part_answer(PCCS_TCB_INFO, b.p, b.n, header, ret, e);
}

#define GOOD "{\"tcbInfo\":T,\"signature\":\"S\"}"

static void test_a_document_keeps_its_bytes(void)
{
	struct pccs_part p;

	assert(document(GOOD, member("tcb_info_issuer_chain"), &p, NULL) == 0);
	assert(str_equal(p.body, member("tcb_info")));
	assert(str_equal(p.signature, member("tcb_info_signature")));
	assert(str_equal(p.chain, member("tcb_info_issuer_chain")));
	assert(pccs_part_is_current(&p, 1785542400) && !pccs_part_is_current(&p, p.until + 1) &&
	       !pccs_part_is_current(&p, p.from - 1) && !pccs_part_is_current(&p, 0));
	pccs_part_deinit(&p);
	pccs_part_deinit(&p);
}

static void test_a_document_without_its_form(void)
{
	const char *chain = member("tcb_info_issuer_chain");
	struct err e = ERR_NONE;
	struct pccs_part p;

	assert(document("{\"tcbInfo\":T,\"signature\":\"S", chain, &p, &e) == ERR_PROTO);
	assert(strstr(e.text, "not JSON"));
	assert(document("{\"tcb\":T,\"signature\":\"S\"}", chain, &p, &e) == ERR_PROTO);
	assert(strstr(e.text, "tcbInfo"));
	assert(document("{\"tcbInfo\":T,\"signature\":\"S00\"}", chain, &p, &e) == ERR_PROTO);
	assert(strstr(e.text, "64 bytes"));
	assert(document("{\"tcbInfo\":[T],\"signature\":\"S\"}", chain, &p, &e) == ERR_PROTO);
	assert(document("{\"tcbInfo\":{\"in\":T},\"signature\":\"S\"}", chain, &p, &e) ==
	       ERR_PROTO);
	assert(strstr(e.text, "dates"));
	assert(document(GOOD, "", &p, &e) == ERR_PROTO && strstr(e.text, "chain"));
	assert(document(GOOD, "hello", &p, &e) == ERR_PROTO && strstr(e.text, "chain"));
	assert(document(GOOD, "\x1b", &p, &e) == ERR_PROTO && strstr(e.text, "PEM"));
	assert(pccs_part_answer(PCCS_TCB_INFO, "", 0, "", &p, &e) == ERR_PROTO);
	assert(pccs_part_answer(PCCS_TCB_INFO, "\xff\x00", 2, "", &p, &e) == ERR_PROTO);
}

static void test_a_list_comes_as_der_or_hex(void)
{
	const char *hex = member("root_ca_crl");
	size_t n = strlen(hex) / 2;
	auto_free uint8_t *der = xcalloc(1, n);
	auto_free char *line = xasprintf("%s\r\n", hex);
	struct pccs_part p;

	assert(str_unhex(der, n, hex) == 0);
	assert(pccs_part_answer(PCCS_ROOT_CRL, der, n, "", &p, NULL) == 0);
	assert(str_equal(p.body, hex) && p.until > p.from);
	pccs_part_deinit(&p);
	assert(pccs_part_answer(PCCS_ROOT_CRL, line, strlen(line), "", &p, NULL) == 0);
	assert(str_equal(p.body, hex));
	pccs_part_deinit(&p);
	assert(pccs_part_answer(PCCS_ROOT_CRL, der, n - 1, "", &p, NULL) == ERR_PROTO);
	assert(pccs_part_answer(PCCS_ROOT_CRL, hex, strlen(hex) - 1, "", &p, NULL) == ERR_PROTO);
	assert(pccs_part_answer(PCCS_ROOT_CRL, "", 0, "", &p, NULL) == ERR_PROTO);
	assert(pccs_part_answer(PCCS_ROOT_CRL, "3\0", 2, "", &p, NULL) == ERR_PROTO);
	assert(pccs_part_answer(PCCS_ROOT_CRL, "<html>", 6, "", &p, NULL) == ERR_PROTO);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_all(const char *folder)
{
	assert(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static void test_what_is_kept_comes_back(void)
{
	char folder[] = "/tmp/b-pccs-XXXXXX", path[256];
	struct pccs_part p, back;
	struct stat st;
	int fd;

	assert(mkdtemp(folder) && str_format(path, sizeof(path), "%s/a/b", folder) > 0);
	fd = pccs_cache_open(path, NULL);
	assert(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0700);
	assert(document(GOOD, member("tcb_info_issuer_chain"), &p, NULL) == 0);
	assert(pccs_cache_get(fd, PCCS_TCB_INFO, URL, &back) < 0);
	assert(pccs_cache_put(fd, PCCS_TCB_INFO, URL, &p, NULL) == 0);
	assert(pccs_cache_get(fd, PCCS_TCB_INFO, URL, &back) == 0);
	assert(str_equal(back.body, p.body) && str_equal(back.chain, p.chain) &&
	       str_equal(back.signature, p.signature) && back.until == p.until);
	pccs_part_deinit(&back);
	assert(pccs_cache_get(fd, PCCS_TCB_INFO, URL "2", &back) < 0);
	assert(pccs_cache_get(fd, PCCS_QE_IDENTITY, URL, &back) < 0);
	pccs_part_deinit(&p);
	(void)close(fd);
	remove_all(folder);
}

/* A file that was changed is no part, or another one: never a crash. */
static void test_a_file_that_was_changed(void)
{
	auto_free char *file = NULL;
	struct pccs_part p, back;
	size_t i, n;

	assert(document(GOOD, member("tcb_info_issuer_chain"), &p, NULL) == 0);
	file = pccs_part_file(&p, URL);
	n = strlen(file);
	for (i = 0; i < n; i += 7) {
		assert(pccs_part_read(PCCS_TCB_INFO, file, i, URL, &back, NULL) < 0);
		file[i] ^= 1;
		if (pccs_part_read(PCCS_TCB_INFO, file, n, URL, &back, NULL) == 0)
			pccs_part_deinit(&back);
		file[i] ^= 1;
	}
	assert(pccs_part_read(PCCS_QE_IDENTITY, file, n, URL, &back, NULL) == 0);
	pccs_part_deinit(&back);
	assert(pccs_part_read(PCCS_ROOT_CRL, file, n, URL, &back, NULL) < 0);
	pccs_part_deinit(&p);
}

static void test_the_platform_of_a_quote(void)
{
	auto_buf struct buf b = { 0 };
	struct pccs_platform p;
	struct err e = ERR_NONE;
	struct quote q;

	assert(file_read(AT_FDCWD, VECTOR "quote.bin", MAX, &b, NULL) == 0);
	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK);
	assert(pccs_platform_of(&q, &p, &e) == 0 && p.is_tdx && !p.is_processor_ca);
	assert(pccs_platform_is_same(&p, &p));
	q.n_cert = 100;
	assert(pccs_platform_of(&q, &p, &e) == ERR_INPUT);
	q.cert_type = QUOTE_CERT_PPID_RSA3072;
	assert(pccs_platform_of(&q, &p, &e) == ERR_INPUT && strstr(e.text, "certification data 3"));
}

static void test_checks_that_a_fetch_may_mend_exist(void)
{
	size_t i, n = 0;

	for (i = 0; quote_checks[i].name; i++)
		n += pccs_may_mend(quote_checks[i].name);
	assert(n == 12 && !pccs_may_mend("quote-signature") && !pccs_may_mend("pck-revoked"));
}

int main(void)
{
	assert(json_read_file(AT_FDCWD, VECTOR "collateral.json", MAX, &collateral, NULL) == 0);
	test_a_document_keeps_its_bytes();
	test_a_document_without_its_form();
	test_a_list_comes_as_der_or_hex();
	test_what_is_kept_comes_back();
	test_a_file_that_was_changed();
	test_the_platform_of_a_quote();
	test_checks_that_a_fetch_may_mend_exist();
	json_decref(collateral);
	return 0;
}
