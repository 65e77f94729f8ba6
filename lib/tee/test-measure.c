/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/measure.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "tee/test_vectors.h"
#include "wire/test_firmware.h"
#include "wire/test_kernel.h"

static uint8_t firmware[TEST_FIRMWARE_SIZE], kernel[TEST_KERNEL_SIZE];

/* Layouts of dstack's firmware and of Debian 13's, as witnesses, and the CFV of both. */
static const char layout_a[] = "80100904000609020b021010", layout_b[] = "80100904000609020b02110f";
static const char cfv[] = "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6"
			  "412af21c097d473155875ffd561d6790";

static struct measure_input input(const struct buf *tables)
{
	test_firmware(firmware);
	test_kernel(kernel);
	return (struct measure_input){
		.firmware = firmware,
		.n_firmware = sizeof(firmware),
		.kernel = kernel,
		.n_kernel = sizeof(kernel),
		.initrd = digest384_bytes("an initrd", 9),
		.initrd_size = 9,
		.cmdline = "console=ttyS0 quiet",
		.acpi_tables = tables->p,
		.n_acpi_tables = tables->n,
		.memory = UINT64_C(2) << 30,
	};
}

static void are_events(const struct measurement *m, unsigned int imr, const json_t *list)
{
	size_t i, n = 0;

	for (i = 0; i < m->n_events; i++) {
		struct digest384 want;

		if (m->events[i].imr != imr)
			continue;
		want = vector_digest(json_string_value(json_array_get(list, n++)));
		assert(memcmp(want.b, m->events[i].digest.b, sizeof(want.b)) == 0);
	}
	assert(n == json_array_size(list));
}

static void test_all_registers_are_those_of_another_program(void)
{
	auto_buf struct buf tables = vector_bytes("fortanix-canonical-defaults.bin");
	struct measure_input in = input(&tables);
	json_t *want = vector_json("own.json"), *events = json_object_get(want, "events");
	struct measure_firmware f;
	struct measurement m;
	struct err e;

	assert(measure_compute(&in, &m, &e) == 0);
	assert(vector_is(&m.mrtd, want, "mrtd_single_pass"));
	assert(vector_is(&m.rtmr[0], want, "rtmr0") && vector_is(&m.rtmr[1], want, "rtmr1"));
	assert(vector_is(&m.rtmr[2], want, "rtmr2"));
	are_events(&m, 0, json_object_get(events, "rtmr0"));
	are_events(&m, 1, json_object_get(events, "rtmr1"));
	are_events(&m, 2, json_object_get(events, "rtmr2"));
	in.two_pass = true;
	assert(measure_compute(&in, &m, &e) == 0 && vector_is(&m.mrtd, want, "mrtd_two_pass"));
	assert(measure_firmware(firmware, sizeof(firmware), &f, &e) == 0);
	assert(vector_is(&f.mrtd_single, want, "mrtd_single_pass"));
	assert(vector_is(&f.mrtd_two, want, "mrtd_two_pass"));
	json_decref(want);
}

/* Which events differ when something of the machine does. */
static void differ(const struct measurement *a, const struct measure_input *in, const char *which)
{
	struct measurement b;
	struct err e = ERR_NONE;
	size_t i;

	assert(measure_compute(in, &b, &e) == 0);
	for (i = 0; i < a->n_events; i++) {
		bool same = memcmp(&a->events[i].digest, &b.events[i].digest,
				   sizeof(struct digest384)) == 0;

		assert(same == !strstr(which, a->events[i].name));
	}
}

static void test_a_change_shows_in_the_event_of_its_name(void)
{
	auto_buf struct buf tables = vector_bytes("fortanix-canonical-defaults.bin");
	struct measure_input in = input(&tables), other = in;
	struct measurement m;
	struct err e;

	assert(measure_compute(&in, &m, &e) == 0);
	differ(&m, &other, "");
	other.memory = UINT64_C(4) << 30;
	differ(&m, &other, "td-hob");
	other = in;
	other.memory = UINT64_C(1) << 30;
	differ(&m, &other, "td-hob, kernel");
	other = in;
	other.cmdline = "console=ttyS0";
	differ(&m, &other, "cmdline");
	other = in;
	other.initrd = digest384_bytes("an Initrd", 9);
	differ(&m, &other, "initrd");
	other.initrd_size = 4096 * 3;
	differ(&m, &other, "initrd, kernel");
	other = in;
	kernel[TEST_KERNEL_TAIL - 1] ^= 1;
	differ(&m, &other, "kernel");
	kernel[TEST_KERNEL_TAIL - 1] ^= 1;
	firmware[0] ^= 1;
	differ(&m, &other, "cfv");
	firmware[0] ^= 1;
	tables.p[tables.n - 4 - 100] ^= 1; /* within the last tables, which nothing points into */
	differ(&m, &other, "acpi-tables");
}

static void test_what_is_no_input_is_refused_with_its_file(void)
{
	static const struct {
		size_t n_firmware, n_kernel, n_tables;
		const char *cmdline;
		uint64_t initrd_size, memory;
		const char *says;
	} bad[] = {
		{ 0, TEST_KERNEL_SIZE, 8996, "", 9, UINT64_C(2) << 30, "firmware: " },
		{ TEST_FIRMWARE_SIZE, 0, 8996, "", 9, UINT64_C(2) << 30, "kernel: " },
		{ TEST_FIRMWARE_SIZE, 0x1000, 8996, "", 9, UINT64_C(2) << 30, "kernel: " },
		{ TEST_FIRMWARE_SIZE, TEST_KERNEL_SIZE, 0, "", 9, UINT64_C(2) << 30,
		  "ACPI tables: " },
		{ TEST_FIRMWARE_SIZE, TEST_KERNEL_SIZE, 500, "", 9, UINT64_C(2) << 30,
		  "ACPI tables: " },
		{ TEST_FIRMWARE_SIZE, TEST_KERNEL_SIZE, 8996, "caf\xc3\xa9", 9, UINT64_C(2) << 30,
		  "command line: byte 4" },
		{ TEST_FIRMWARE_SIZE, TEST_KERNEL_SIZE, 8996, "", 0, UINT64_C(2) << 30,
		  "initrd: " },
		{ TEST_FIRMWARE_SIZE, TEST_KERNEL_SIZE, 8996, "", 9, 4096, "4096 bytes of memory" },
	};
	auto_buf struct buf tables = vector_bytes("fortanix-canonical-defaults.bin");
	struct measurement m;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct measure_input in = input(&tables);

		in.n_firmware = bad[i].n_firmware;
		in.n_kernel = bad[i].n_kernel;
		in.n_acpi_tables = bad[i].n_tables;
		in.cmdline = bad[i].cmdline;
		in.initrd_size = bad[i].initrd_size;
		in.memory = bad[i].memory;
		assert(measure_compute(&in, &m, &e) == ERR_INPUT);
		assert(strncmp(e.text, bad[i].says, strlen(bad[i].says)) == 0);
	}
}

/* A golden value of dstack's own tests: its initrd's digest is 48 times 33. */
static void test_rtmr2_of_dstack_s_sample(void)
{
	struct measure_parts parts;
	struct digest384 want = vector_digest("2fb6d31492cd2f073fe8fdaa9dbdff4dfdde92bf07f9a16c2b71"
					      "23ae7be5090007974d33bfe8807ac5697416"
					      "0f8f2948");
	struct measurement m;
	struct err e;

	memset(&parts, 0x33, sizeof(parts));
	assert(measure_cmdline("console=ttyS0 init=/init panic=1 "
			       "dstack.rootfs_hash="
			       "1111111111111111111111111111111111111111111111111111111111111111 "
			       "dstack.rootfs_size=4096",
			       &parts.cmdline, &e) == 0);
	measure_assemble(&parts, &m);
	assert(memcmp(m.rtmr[2].b, want.b, sizeof(want.b)) == 0);
}

/* RTMR0 needs of a firmware its layout and its CFV only. */
static struct digest384 rtmr0(const char *layout, uint64_t memory, const void *tables, size_t n)
{
	struct measure_parts parts = { .cfv = vector_digest(cfv) };
	uint8_t witness[64];
	struct td_hob_layout l;
	struct measurement m;
	struct err e;

	assert(str_unhex(witness, strlen(layout) / 2, layout) == 0);
	assert(td_hob_witness_read(witness, strlen(layout) / 2, &l, &e) == 0);
	assert(measure_td_hob(&l, memory, &parts.td_hob, &e) == 0);
	assert(measure_acpi_of(tables, n, &parts.acpi, &e) == 0);
	measure_assemble(&parts, &m);
	return m.rtmr[0];
}

static void test_rtmr0_of_fortanix_tables(void)
{
	static const struct {
		const char *file;
		unsigned int mib;
		const char *want;
	} rows[] = {
		{ "fortanix-canonical-defaults.bin", 2048,
		  "e1cf95c7fedaa78087b3eb237148869f804642b7939d59c8825db269ffadf190"
		  "d4a7fd4f44d9b10ba7ff44c12dd564f5" },
		{ "fortanix-q35-with-hpet.bin", 4096,
		  "507b21ccfe504463c9a324a440e19707ef84e03663cf6c6013540ce79131f967"
		  "5a7852cfa65303d931c2a79389ffff49" },
		{ "fortanix-runtime-capture.bin", 16384,
		  "a2749c840579faca6adf0c9c3ab69f277556cda67f8a6b3553c2c7fbf00e9706"
		  "ec77a6f6960d802433b339ff8b72eefb" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf b = vector_bytes(rows[i].file);
		struct digest384 have = rtmr0(layout_b, (uint64_t)rows[i].mib << 20, b.p, b.n),
				 want = vector_digest(rows[i].want);

		assert(memcmp(have.b, want.b, sizeof(have.b)) == 0);
	}
}

/* Zeros up to @n: the recordings lost those of the last table, too. */
static void fill_up(struct buf *b, size_t n)
{
	static const uint8_t zeros[131072];

	assert(n > b->n && n - b->n < sizeof(zeros) && buf_add(b, zeros, n - b->n) == 0);
}

/* Values signed by hardware, with the tables that QEMU made for their machines: not ours to copy. */
static void test_rtmr0_of_real_machines(void)
{
	static const char folder[] = SOURCE_DIR "/../shared/vectors/measurement/real-rtmr0/";
	struct err e = ERR_NONE;
	char path[512];
	json_t *all, *one;
	size_t i;

	assert(str_format(path, sizeof(path), "%svectors.json", folder) > 0);
	if (access(path, R_OK) < 0) {
		(void)puts("skipped: RTMR0 of real machines: no ../shared/vectors");
		return;
	}
	assert(json_read_file(AT_FDCWD, path, 1024 * 1024, &all, &e) == 0);
	json_array_foreach(all, i, one) {
		auto_buf struct buf b = BUF_MAX(1024 * 1024);
		uint64_t memory = json_get_u64(json_object_get(one, "vm_config"), "memory_size", 0);
		struct digest384 have;

		assert(str_format(path, sizeof(path), "%s%s", folder,
				  json_get_str(one, "acpi_file", "")) > 0);
		assert(file_read(AT_FDCWD, path, b.max, &b, &e) == 0);
		fill_up(&b, json_get_u64(one, "acpi_padded_size", 0));
		have = rtmr0(layout_a, memory, b.p, b.n);
		assert(vector_is(&have, one, "rtmr0"));
	}
	(void)printf("RTMR0 of %zu real machines\n", i);
	json_decref(all);
}

/* Zeros that are cut off a recording come back, so that QEMU's own file and a recording are one. */
static void test_tables_are_the_same_with_and_without_their_zeros(void)
{
	auto_buf struct buf b = vector_bytes("fortanix-canonical-defaults.bin");
	struct measure_acpi cut, whole;
	struct err e;
	uint8_t *p = calloc(1, 131072);

	assert(p && measure_acpi_of(b.p, b.n, &cut, &e) == 0);
	memcpy(p, b.p, b.n);
	assert(measure_acpi_of(p, 131072, &whole, &e) == 0);
	assert(memcmp(&cut, &whole, sizeof(cut)) == 0);
	free(p);
}

int main(void)
{
	test_all_registers_are_those_of_another_program();
	test_a_change_shows_in_the_event_of_its_name();
	test_what_is_no_input_is_refused_with_its_file();
	test_rtmr2_of_dstack_s_sample();
	test_rtmr0_of_fortanix_tables();
	test_rtmr0_of_real_machines();
	test_tables_are_the_same_with_and_without_their_zeros();
	return 0;
}
