/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/quote.h"

#include <assert.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	QUOTE_MAX = 64 * 1024,
	HEADER = 48,
	TD10_END = 632,
	AUTH_AT = TD10_END + 4,
	OUTER_AT = AUTH_AT + 128,
	QE_AT = OUTER_AT + 6,
	QE_AUTH_AT = QE_AT + 448,
	INNER_AT = QE_AUTH_AT + 2 + 32,
};

static struct buf sample(const char *name)
{
	char path[256];
	struct buf b = BUF_MAX(QUOTE_MAX);
	struct err e = ERR_NONE;

	assert(str_format(path, sizeof path, SOURCE_DIR "/tests/vectors/quotes/%s/quote.bin",
			  name) > 0);
	if (file_read(AT_FDCWD, path, QUOTE_MAX, &b, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return b;
}

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static enum quote_verdict verdict(const void *p, size_t n)
{
	struct quote q;

	return quote_parse(p, n, &q);
}

static void test_fields_are_where_the_layout_says(void)
{
	auto_buf struct buf b = sample("ok_v4");
	struct quote q;

	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK);
	assert(q.version == 4 && q.tee == QUOTE_TEE_TDX && q.body == QUOTE_BODY_TD10);
	assert(q.n_signed == TD10_END && q.signed_bytes == b.p);
	assert(q.td.tee_tcb_svn == b.p + 48 && q.td.mr_seam == b.p + 64);
	assert(q.td.mr_signer_seam == b.p + 112 && q.td.seam_attributes == b.p + 160);
	assert(q.td.td_attributes == 1u << 28 && q.td.xfam == 0x061ae7);
	assert(q.td.mr_td == b.p + 184 && q.td.mr_config_id == b.p + 232);
	assert(q.td.mr_owner == b.p + 280 && q.td.mr_owner_config == b.p + 328);
	assert(q.td.rtmr[0] == b.p + 376 && q.td.rtmr[3] == b.p + 520);
	assert(q.td.report_data == b.p + 568 && !q.td.tee_tcb_svn2 && !q.td.mr_service_td);
}

static void test_signature_data_is_where_the_layout_says(void)
{
	auto_buf struct buf b = sample("ok_v4");
	struct quote q;

	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK);
	assert(q.signature == b.p + 636 && q.attestation_key == b.p + 700);
	assert(q.qe_report_bytes == b.p + 770 && q.qe_signature == b.p + 1154);
	assert(q.qe_auth == b.p + 1220 && q.n_qe_auth == 32);
	assert(q.qe_report.mr_signer == b.p + 770 + 128);
	assert(q.qe_report.isv_prod_id == 2 && q.qe_report.isv_svn == 6);
	assert(q.qe_report.report_data == b.p + 770 + 320);
	assert(q.cert_type == QUOTE_CERT_PCK_CHAIN && q.cert == b.p + 1258);
	assert(q.n_quote == b.n && q.n_trailing == 0 && q.is_padding);
}

static void test_td15_has_more(void)
{
	auto_buf struct buf b = sample("st_relaunch");
	struct quote q;

	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK);
	assert(q.version == 5 && q.body == QUOTE_BODY_TD15 && q.n_signed == 54 + 648);
	assert(q.td.tee_tcb_svn == b.p + 54 && q.td.tee_tcb_svn2 == b.p + 54 + 584);
	assert(q.td.mr_service_td == b.p + 54 + 600 && q.td.tee_tcb_svn2[0] == 6);
	b.p[50]++;
	assert(verdict(b.p, b.n) == QUOTE_BAD_BODY_SIZE);
	b.p[50]--;
	b.p[48] = 2;
	assert(verdict(b.p, b.n) == QUOTE_BAD_BODY_SIZE);
	b.p[48] = 5;
	assert(verdict(b.p, b.n) == QUOTE_BAD_BODY_TYPE);
	b.p[48] = 0;
	assert(verdict(b.p, b.n) == QUOTE_BAD_BODY_TYPE);
	b.p[48] = 1;
	assert(verdict(b.p, b.n) == QUOTE_BAD_BODY_TYPE);
}

static void test_td15_extended(void)
{
	auto_buf struct buf b = sample("st_relaunch");
	size_t more = 885 - 648, n = b.n + more;
	uint8_t *p = xcalloc(1, n);
	struct quote q;

	memcpy(p, b.p, 54 + 648);
	memcpy(p + 54 + 885, b.p + 54 + 648, b.n - 54 - 648);
	put_le(p + 48, 4, 2);
	put_le(p + 50, 885, 4);
	assert(quote_parse(p, n, &q) == QUOTE_OK);
	assert(q.body == QUOTE_BODY_TD15_EXTENDED && q.n_signed == 54 + 885);
	assert(q.td.mr_service_td == p + 54 + 600 && q.n_quote == n);
	free(p);
}

/* A v3 quote made of a v4 one: the QE's report serves as body too, and nothing is nested. */
static void test_sgx_v3(void)
{
	auto_buf struct buf b = sample("ok_v4");
	size_t n_rest = b.n - QE_AT, n = HEADER + 384 + 4 + 128 + n_rest;
	uint8_t *p = xcalloc(1, n);
	struct quote q;

	memcpy(p, b.p, HEADER);
	put_le(p, 3, 2);
	put_le(p + 4, QUOTE_TEE_SGX, 4);
	memcpy(p + HEADER, b.p + QE_AT, 384);
	put_le(p + 432, 128 + n_rest, 4);
	memcpy(p + 436, b.p + AUTH_AT, 128);
	memcpy(p + 564, b.p + QE_AT, n_rest);
	assert(quote_parse(p, n, &q) == QUOTE_OK);
	assert(q.body == QUOTE_BODY_SGX && q.n_signed == 432 && q.sgx.isv_svn == 6);
	assert(q.qe_report_bytes == p + 564 && q.cert_type == QUOTE_CERT_PCK_CHAIN);
	put_le(p + 4, QUOTE_TEE_TDX, 4);
	assert(verdict(p, n) == QUOTE_BAD_TEE);
	free(p);
}

/* Each prefix in memory of its own size, so that a sanitizer sees a read past it. */
static void test_every_prefix_is_refused(void)
{
	static const char *const names[] = { "ok_v4", "st_relaunch" };
	size_t i, n;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		auto_buf struct buf b = sample(names[i]);

		for (n = 0; n < b.n; n++) {
			uint8_t *p = xmemdup(b.p, n);

			assert(verdict(p, n) != QUOTE_OK);
			free(p);
		}
	}
	assert(verdict(NULL, 0) == QUOTE_TRUNCATED);
}

static void test_every_length_is_held_to(void)
{
	static const struct {
		size_t at, size;
		enum quote_verdict zero, max, one_less, one_more;
	} fields[] = {
		{ TD10_END, 4, QUOTE_BAD_AUTH_LENGTH, QUOTE_BAD_AUTH_LENGTH, QUOTE_BAD_OUTER_CERT,
		  QUOTE_BAD_AUTH_LENGTH },
		{ OUTER_AT + 2, 4, QUOTE_BAD_OUTER_CERT, QUOTE_BAD_OUTER_CERT, QUOTE_BAD_OUTER_CERT,
		  QUOTE_BAD_OUTER_CERT },
		{ INNER_AT + 2, 4, QUOTE_BAD_CERT_LENGTH, QUOTE_BAD_CERT_LENGTH,
		  QUOTE_BAD_CERT_LENGTH, QUOTE_BAD_CERT_LENGTH },
	};
	auto_buf struct buf b = sample("ok_v4");
	size_t i;

	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		uint8_t was[4], *p = b.p + fields[i].at;
		uint32_t v;

		memcpy(was, p, 4);
		v = (uint32_t)was[0] | (uint32_t)was[1] << 8;
		put_le(p, 0, 4);
		assert(verdict(b.p, b.n) == fields[i].zero);
		put_le(p, UINT32_MAX, 4);
		assert(verdict(b.p, b.n) == fields[i].max);
		put_le(p, v - 1, 4);
		assert(verdict(b.p, b.n) == fields[i].one_less);
		put_le(p, v + 1, 4);
		assert(verdict(b.p, b.n) == fields[i].one_more);
		memcpy(p, was, 4);
	}
	put_le(b.p + QE_AUTH_AT, 0, 2);
	assert(verdict(b.p, b.n) != QUOTE_OK);
	put_le(b.p + QE_AUTH_AT, UINT16_MAX, 2);
	assert(verdict(b.p, b.n) == QUOTE_BAD_AUTH_LENGTH);
}

static void test_each_lie_has_its_verdict(void)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum quote_verdict v;
	} lies[] = {
		{ 0, 2, QUOTE_BAD_VERSION },
		{ 0, 6, QUOTE_BAD_VERSION },
		{ 1, 1, QUOTE_BAD_VERSION },
		{ 2, 3, QUOTE_BAD_KEY_TYPE },
		{ 4, 1, QUOTE_BAD_TEE },
		{ 7, 1, QUOTE_BAD_TEE },
		{ 12, 0x92, QUOTE_BAD_VENDOR },
		{ 27, 0, QUOTE_BAD_VENDOR },
		{ OUTER_AT, 5, QUOTE_BAD_OUTER_CERT },
		{ INNER_AT, 6, QUOTE_BAD_CERT_TYPE },
		{ INNER_AT, 0, QUOTE_BAD_CERT_TYPE },
		{ INNER_AT, 7, QUOTE_BAD_CERT_TYPE },
		{ INNER_AT + 1, 1, QUOTE_BAD_CERT_TYPE },
	};
	auto_buf struct buf b = sample("ok_v4");
	size_t i;

	for (i = 0; i < sizeof lies / sizeof *lies; i++) {
		uint8_t was = b.p[lies[i].at];

		b.p[lies[i].at] = lies[i].value;
		assert(verdict(b.p, b.n) == lies[i].v);
		b.p[lies[i].at] = was;
	}
	assert(verdict(b.p, b.n) == QUOTE_OK);
}

static void test_trailing_bytes_are_told(void)
{
	auto_buf struct buf b = sample("ok_v4");
	size_t n = b.n;
	struct quote q;

	assert(buf_add(&b, "\0\0\0", 3) == 0);
	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK);
	assert(q.n_quote == n && q.n_trailing == 3 && q.is_padding);
	b.p[b.n - 1] = 1;
	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK && !q.is_padding);
}

static void test_verdicts_have_texts(void)
{
	enum quote_verdict v;

	for (v = QUOTE_OK; v < QUOTE_VERDICT_COUNT; v++)
		assert(*quote_verdict_text(v));
	assert(*quote_verdict_text(QUOTE_VERDICT_COUNT));
}

/* Vectors whose fault is in the form; all others are well formed. */
static enum quote_verdict expected(const char *path)
{
	static const struct {
		const char *name;
		enum quote_verdict v;
	} faults[] = {
		{ "/err_akt3/", QUOTE_BAD_KEY_TYPE },
		{ "/err_authlen_huge/", QUOTE_BAD_AUTH_LENGTH },
		{ "/err_empty/", QUOTE_TRUNCATED },
		{ "/err_inner_len_huge/", QUOTE_BAD_OUTER_CERT },
		{ "/err_outer_type5/", QUOTE_BAD_OUTER_CERT },
		{ "/err_tee1/", QUOTE_BAD_TEE },
		{ "/err_truncated/", QUOTE_BAD_AUTH_LENGTH },
		{ "/err_truncated_header/", QUOTE_TRUNCATED },
		{ "/err_v5_bodysize/", QUOTE_BAD_BODY_SIZE },
		{ "/err_v5_bodytype9/", QUOTE_BAD_BODY_TYPE },
		{ "/err_vendor/", QUOTE_BAD_VENDOR },
		{ "/err_version6/", QUOTE_BAD_VERSION },
	};
	size_t i;

	for (i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (strstr(path, faults[i].name))
			return faults[i].v;
	}
	return QUOTE_OK;
}

static void test_vectors_beside_the_source(void)
{
	glob_t found;
	size_t i;

	if (glob(SOURCE_DIR "/../shared/vectors/quotes/*/*/quote.bin", 0, NULL, &found) != 0) {
		(void)puts("skipped: no ../shared/vectors/quotes");
		return;
	}
	for (i = 0; i < found.gl_pathc; i++) {
		auto_buf struct buf b = BUF_MAX(QUOTE_MAX);
		struct err e = ERR_NONE;
		enum quote_verdict v;

		assert(file_read(AT_FDCWD, found.gl_pathv[i], QUOTE_MAX, &b, &e) == 0);
		v = verdict(b.p, b.n);
		if (v != expected(found.gl_pathv[i])) {
			(void)fprintf(stderr, "%s: %s\n", found.gl_pathv[i], quote_verdict_text(v));
			abort();
		}
	}
	(void)printf("%zu quotes\n", found.gl_pathc);
	globfree(&found);
}

int main(void)
{
	test_fields_are_where_the_layout_says();
	test_signature_data_is_where_the_layout_says();
	test_td15_has_more();
	test_td15_extended();
	test_sgx_v3();
	test_every_prefix_is_refused();
	test_every_length_is_held_to();
	test_each_lie_has_its_verdict();
	test_trailing_bytes_are_told();
	test_verdicts_have_texts();
	test_vectors_beside_the_source();
	return 0;
}
