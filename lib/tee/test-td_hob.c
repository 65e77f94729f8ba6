/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/td_hob.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "wire/tdvf.h"
#include "wire/test_firmware.h"

/* Of dstack's firmware and Debian 12's; of Debian 13's. */
static const char witness_a[] = "80100904000609020b021010",
		  witness_b[] = "80100904000609020b02110f";

static size_t unhex(uint8_t *p, const char *hex)
{
	size_t n = strlen(hex) / 2;

	assert(str_unhex(p, n, hex) == 0);
	return n;
}

static int read_witness(const char *hex, struct td_hob_layout *ret)
{
	uint8_t p[256];
	struct err e;

	return td_hob_witness_read(p, unhex(p, hex), ret, &e);
}

static void is_digest(const char *witness, uint64_t memory, const char *want)
{
	auto_buf struct buf hob = BUF_MAX(TD_HOB_BYTES_MAX);
	struct td_hob_layout l;
	struct digest384 d, w;
	struct err e;

	assert(read_witness(witness, &l) == 0 && td_hob_build(&l, memory, &hob, &e) == 0);
	d = digest384_bytes(hob.p, hob.n);
	assert(str_unhex(w.b, sizeof(w.b), want) == 0 && memcmp(d.b, w.b, sizeof(d.b)) == 0);
}

static void test_the_list_is_that_of_real_machines(void)
{
	is_digest(witness_a, UINT64_C(2) << 30,
		  "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
		  "acbb37948f821ebaf8bc9c938ba8a749");
	is_digest(witness_a, UINT64_C(64) << 30,
		  "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2a"
		  "de19b6a62a203fc3c3bbdaae80af596d");
	is_digest(witness_b, UINT64_C(2) << 30,
		  "0e35f1b315ba6c912cf791e5c79dd9d3a2b8704516aa27d4e5aa78fb09ede04a"
		  "ef2bbd02ac7a8734c48562b9c26ba35d");
}

static void test_firmware_and_witness_say_the_same(void)
{
	static uint8_t firmware[TEST_FIRMWARE_SIZE];
	auto_buf struct buf out = BUF_MAX(64);
	struct td_hob_layout l;
	struct tdvf t;
	uint8_t want[64];
	struct err e;

	test_firmware(firmware);
	assert(tdvf_parse(firmware, sizeof(firmware), &t) == TDVF_OK);
	assert(td_hob_layout_of(&t, &l, &e) == 0 && l.n == 4 && l.base == 0x809000);
	assert(td_hob_witness_write(&l, &out) == 0);
	assert(out.n == unhex(want, witness_a) && memcmp(out.p, want, out.n) == 0);
}

static void test_bad_witnesses_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"8010",
		"80100904000609020b0210",     /* cut */
		"80100904000609020b02101000", /* longer */
		"80100900",		      /* no range */
		"80100901ffffffffff0f01",     /* beyond 32 bits */
		"801009010080808080808080808001",
		"8010090100800001",	/* 0 in two bytes, which is no shortest form */
		"8010090200060502",	/* overlap */
		"801009020006000600",	/* the same twice */
		"801009010506",		/* does not begin at the lowest page */
		"80100901000000",	/* more than it says */
		"801009010000",		/* an empty range */
		"ffff3f000100ffff3f",	/* beyond 4 GiB */
		"8010ffffffff0f010006", /* the list itself beyond 4 GiB */
		"80100941",
	};
	struct td_hob_layout l;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert(read_witness(bad[i], &l) == ERR_INPUT);
	}
}

static void test_too_little_memory_is_refused(void)
{
	auto_buf struct buf hob = BUF_MAX(TD_HOB_BYTES_MAX);
	struct td_hob_layout l;
	struct err e;

	assert(read_witness(witness_a, &l) == 0);
	assert(td_hob_build(&l, 0x820000 - 0x1000, &hob, &e) == ERR_INPUT);
	assert(td_hob_build(&l, 0, &hob, &e) == ERR_INPUT);
	assert(td_hob_build(&l, 0x820001, &hob, &e) == ERR_INPUT);
	assert(td_hob_build(&l, UINT64_MAX - 0xfff, &hob, &e) == ERR_INPUT && hob.n == 0);
	assert(td_hob_build(&l, 0x820000, &hob, &e) == 0);
}

static void test_sections_that_overlap_are_refused(void)
{
	static uint8_t firmware[TEST_FIRMWARE_SIZE];
	struct td_hob_layout l;
	struct tdvf t;
	struct err e;

	test_firmware(firmware);
	test_put_section(firmware, 5, (struct test_section){ 0, 0, 0x80a000, 0x1000, 3, 0 });
	assert(tdvf_parse(firmware, sizeof(firmware), &t) == TDVF_OK);
	assert(td_hob_layout_of(&t, &l, &e) == ERR_INPUT);
	test_put_section(firmware, 5, (struct test_section){ 0, 0, 0x200000000, 0x1000, 3, 0 });
	assert(tdvf_parse(firmware, sizeof(firmware), &t) == TDVF_OK);
	assert(td_hob_layout_of(&t, &l, &e) == ERR_INPUT);
	test_put_section(firmware, 5, (struct test_section){ 0, 0, 0x800000, 0x1000, 2, 0 });
	assert(tdvf_parse(firmware, sizeof(firmware), &t) == TDVF_OK);
	assert(td_hob_layout_of(&t, &l, &e) == ERR_INPUT); /* two lists */
}

int main(void)
{
	test_the_list_is_that_of_real_machines();
	test_firmware_and_witness_say_the_same();
	test_bad_witnesses_are_refused();
	test_too_little_memory_is_refused();
	test_sections_that_overlap_are_refused();
	return 0;
}
