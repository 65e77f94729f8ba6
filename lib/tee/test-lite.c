/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/lite.h"

#include <assert.h>

#include "base/base64.h"
#include "tee/test_vectors.h"

/* A quote of real hardware: what its vm_config holds, and the registers that it signed. */
struct recorded {
	json_t *all, *config;
	struct buf sums, document;
	struct digest256 hash;
};

static struct buf decoded(const json_t *o, const char *key)
{
	const char *text = json_get_str(o, key, "");
	struct buf b = BUF_MAX(LITE_DOCUMENT_MAX);
	ssize_t n;

	assert(buf_reserve(&b, base64_room(strlen(text))) == 0);
	n = base64_decode(b.p, text, strlen(text));
	assert(n > 0);
	b.n = (size_t)n;
	return b;
}

static struct recorded recorded(void)
{
	struct recorded r = { .all = vector_json("dstack-lite.json") };
	const char *text = json_get_str(r.all, "vm_config", "");
	const json_t *measurement;
	struct err e;

	assert(json_parse(text, strlen(text), strlen(text), "vm_config", &r.config, &e) == 0);
	measurement = json_object_get(r.config, "tdx_measurement");
	r.sums = decoded(measurement, "checksum_file");
	r.document = decoded(measurement, "measurement");
	assert(str_unhex(r.hash.b, sizeof(r.hash.b), json_get_str(r.config, "os_image_hash", "")) ==
	       0);
	return r;
}

static void forget(struct recorded *r)
{
	json_decref(r->all);
	json_decref(r->config);
	buf_deinit(&r->sums);
	buf_deinit(&r->document);
}

static void test_registers_of_a_real_quote_follow_from_its_document(void)
{
	struct recorded r = recorded();
	const json_t *acpi = json_object_get(r.all, "acpi");
	const struct measure_acpi digests = {
		vector_digest(json_get_str(acpi, "loader", NULL)),
		vector_digest(json_get_str(acpi, "rsdp", NULL)),
		vector_digest(json_get_str(acpi, "tables", NULL)),
	};
	uint64_t memory = json_get_u64(r.config, "memory_size", 0);
	struct lite_document d;
	struct measurement m;
	struct err e;
	json_t *event;
	size_t i;

	assert(lite_bind(&r.hash, r.sums.p, r.sums.n, r.document.p, r.document.n, &e) == 0);
	assert(lite_parse(r.document.p, r.document.n, &d, &e) == 0);
	assert(lite_measure(&d, memory, true, &digests, &m, &e) == 0);
	assert(vector_is(&m.mrtd, r.all, "mrtd") && vector_is(&m.rtmr[0], r.all, "rtmr0"));
	assert(vector_is(&m.rtmr[1], r.all, "rtmr1") && vector_is(&m.rtmr[2], r.all, "rtmr2"));
	/* the events of the log, one by one, in their order */
	json_array_foreach(json_object_get(r.all, "events"), i, event) {
		struct digest384 want = vector_digest(json_string_value(json_array_get(event, 2)));

		assert(m.events[i].imr == json_integer_value(json_array_get(event, 0)));
		assert(m.events[i].type == json_integer_value(json_array_get(event, 1)));
		assert(memcmp(want.b, m.events[i].digest.b, sizeof(want.b)) == 0);
	}
	assert(i == m.n_events);
	assert(lite_measure(&d, memory, false, &digests, &m, &e) == 0);
	assert(!vector_is(&m.mrtd, r.all, "mrtd"));
	forget(&r);
}

static void test_what_is_read_is_written_again(void)
{
	struct recorded r = recorded();
	auto_buf struct buf out = BUF_MAX(LITE_DOCUMENT_MAX);
	struct lite_document d;
	struct err e;

	assert(lite_parse(r.document.p, r.document.n, &d, &e) == 0 && lite_write(&d, &out) == 0);
	assert(out.n == r.document.n && memcmp(out.p, r.document.p, out.n) == 0);
	forget(&r);
}

static void test_each_link_of_the_chain_is_looked_at(void)
{
	struct recorded r = recorded();
	static const char none[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  bzImage\n";
	struct digest256 of_none = digest256_bytes(none, strlen(none));
	struct err e;

	r.document.p[100] ^= 1;
	assert(lite_bind(&r.hash, r.sums.p, r.sums.n, r.document.p, r.document.n, &e) == ERR_INPUT);
	assert(strstr(e.text, "is not the one in sha256sum.txt"));
	r.document.p[100] ^= 1;
	assert(lite_bind(&r.hash, r.sums.p, r.sums.n - 1, r.document.p, r.document.n, &e) ==
	       ERR_INPUT);
	assert(strstr(e.text, "is not os_image_hash"));
	assert(lite_bind(&of_none, none, strlen(none), r.document.p, r.document.n, &e) ==
	       ERR_INPUT);
	assert(strstr(e.text, "does not list"));
	assert(lite_bind(&of_none, none, strlen(none), r.document.p, LITE_DOCUMENT_MAX + 1, &e) ==
	       ERR_INPUT);
	forget(&r);
}

static void test_no_byte_of_a_document_can_change_its_kind_unseen(void)
{
	struct recorded r = recorded();
	struct lite_document d, was;
	struct err e;
	size_t i, n_changed = 0;

	assert(lite_parse(r.document.p, r.document.n, &was, &e) == 0);
	for (i = 0; i < r.document.n; i++) {
		assert(lite_parse(r.document.p, i, &d, &e) == ERR_INPUT);
		r.document.p[i] ^= 0x20;
		if (lite_parse(r.document.p, r.document.n, &d, &e) == 0)
			n_changed += memcmp(&d, &was, sizeof(d)) != 0;
		else
			assert(e.text[0] != 0);
		r.document.p[i] ^= 0x20;
	}
	assert(n_changed >= 5 * sizeof(struct digest384)); /* the digests are only that */
	forget(&r);
}

static void test_keys_are_each_there_once_and_no_other(void)
{
	struct recorded r = recorded();
	struct lite_document d;
	struct err e;
	uint8_t *at = memmem(r.document.p, r.document.n, "two_pass", 8);

	assert(at);
	*at = 'T';
	assert(lite_parse(r.document.p, r.document.n, &d, &e) == ERR_INPUT);
	assert(strstr(e.text, "key \"Two_pass\" is unknown"));
	*at = 't';
	at = memmem(r.document.p, r.document.n, "pre202505", 9);
	assert(at);
	*at = 'P';
	assert(lite_parse(r.document.p, r.document.n, &d, &e) == ERR_INPUT);
	assert(strstr(e.text, "ovmf: not pre202505"));
	*at = 'p';
	at = memmem(r.document.p, r.document.n, "version", 7);
	assert(at && at[7] == 3);
	at[7] = 2;
	assert(lite_parse(r.document.p, r.document.n, &d, &e) == ERR_INPUT);
	assert(strstr(e.text, "version: not 3"));
	at[7] = 3;
	at = memmem(r.document.p, r.document.n, "initrd_sha384", 13);
	assert(at);
	*at = 'I';
	assert(lite_parse(r.document.p, r.document.n, &d, &e) == ERR_INPUT);
	*at = 'i';
	assert(lite_parse("", 0, &d, &e) == ERR_INPUT);
	assert(lite_parse("\xa3\x67version\x03\x67version\x03\x67version\x03", 28, &d, &e) ==
	       ERR_INPUT);
	assert(strstr(e.text, "version: it is there twice"));
	forget(&r);
}

static void test_only_sizes_that_share_a_kernel_are_measured(void)
{
	assert(lite_fits(UINT64_C(2) << 30) && lite_fits(0xb0000000) &&
	       lite_fits(UINT64_C(1) << 40));
	assert(!lite_fits(0xb0000000 - 4096) && !lite_fits((UINT64_C(2) << 30) + 4096));
	assert(!lite_fits(UINT64_C(1) << 30) && !lite_fits(0));
}

int main(void)
{
	test_registers_of_a_real_quote_follow_from_its_document();
	test_what_is_read_is_written_again();
	test_each_link_of_the_chain_is_looked_at();
	test_no_byte_of_a_document_can_change_its_kind_unseen();
	test_keys_are_each_there_once_and_no_other();
	test_only_sizes_that_share_a_kernel_are_measured();
	return 0;
}
