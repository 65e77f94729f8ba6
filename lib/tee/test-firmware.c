/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/firmware.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "wire/ccel.h"

enum { ROOM = 128 };

static uint8_t data[ROOM];

static struct firmware_event event(unsigned int imr, uint32_t type, const void *p, size_t n)
{
	return (struct firmware_event){
		.imr = imr, .type = type, .digest = digest384_bytes(p, n), .data = p, .n_data = n
	};
}

static struct firmware_event text(unsigned int imr, uint32_t type, const char *s)
{
	return event(imr, type, s, strlen(s));
}

/* UEFI_VARIABLE_DATA; returns its size. */
static size_t variable(const char *name, const char *value)
{
	size_t n_name = strlen(name), n_value = strlen(value), i, n = 16;

	memset(data, 0, sizeof data);
	data[n] = (uint8_t)n_name;
	data[n + 8] = (uint8_t)n_value;
	n += 16;
	for (i = 0; i < n_name; i++, n += 2)
		data[n] = (uint8_t)name[i];
	for (i = 0; i < n_value; i++)
		data[n + i] = (uint8_t)value[i];
	return n + n_value;
}

static void is_named(struct firmware_event ev, struct firmware_before *before, const char *name)
{
	const char *got = firmware_name(&ev, before);

	if (!str_equal(got, name)) {
		(void)fprintf(stderr, "%s, not %s\n", got, name);
		assert(0);
	}
}

static void test_order_tells_what_has_no_data(void)
{
	static const char *const configs[] = {
		"secure-boot", "pk", "kek", "db", "dbx", "variable"
	};
	static const char *const acpi[] = { "acpi-loader", "acpi-rsdp", "acpi-tables",
					    "acpi-tables" };
	struct firmware_before b = { .acpi = 0 };
	size_t i;

	for (i = 0; i < sizeof configs / sizeof *configs; i++)
		is_named(event(0, CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, 0), &b, configs[i]);
	for (i = 0; i < sizeof acpi / sizeof *acpi; i++)
		is_named(text(0, CCEL_EV_PLATFORM_CONFIG_FLAGS, "ACPI DATA"), &b, acpi[i]);
	is_named(event(0, CCEL_EV_EFI_VARIABLE_BOOT, NULL, 0), &b, "boot-order");
	is_named(event(0, CCEL_EV_EFI_VARIABLE_BOOT, NULL, 0), &b, "boot-0000");
	is_named(event(0, CCEL_EV_EFI_VARIABLE_BOOT, NULL, 0), &b, "boot-variable");
	is_named(event(2, CCEL_EV_EVENT_TAG, NULL, 0), &b, "cmdline");
	is_named(event(2, CCEL_EV_EVENT_TAG, NULL, 0), &b, "initrd");
	is_named(event(1, CCEL_EV_EFI_BOOT_SERVICES_APPLICATION, NULL, 0), &b, "kernel");
	is_named(event(1, CCEL_EV_EFI_BOOT_SERVICES_APPLICATION, NULL, 0), &b, "application");
}

static void test_data_comes_before_order(void)
{
	struct firmware_before b = { .acpi = 0 };

	is_named(event(0, CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG, data, variable("dbx", "")), &b,
		 "dbx");
	is_named(event(0, CCEL_EV_EFI_VARIABLE_BOOT, data, variable("Boot0000", "x")), &b,
		 "boot-0000");
	is_named(event(0, CCEL_EV_EFI_VARIABLE_BOOT, data, variable("Boot0001", "x")), &b,
		 "boot-variable");
	is_named(text(0, CCEL_EV_PLATFORM_CONFIG_FLAGS, "etc/acpi/rsdp"), &b, "acpi-rsdp");
	is_named(text(2, CCEL_EV_EVENT_TAG, "........Linux initrd"), &b, "initrd");
	is_named(text(1, CCEL_EV_EFI_ACTION, "Exit Boot Services Invocation"), &b,
		 "exit-boot-services");
	is_named(text(1, CCEL_EV_EFI_ACTION, "something else"), &b, "action");
	is_named(text(0, 0x12345, "x"), &b, "other");
}

static void test_actions_are_known_by_their_digests(void)
{
	struct firmware_event ev = text(1, CCEL_EV_EFI_ACTION, "Exit Boot Services Invocation");
	struct firmware_before b = { .acpi = 0 };

	ev.data = NULL;
	ev.n_data = 0;
	is_named(ev, &b, "exit-boot-services");
	assert(!firmware_lies(&ev));
}

static void test_lies(void)
{
	static const uint8_t zeros[4], failure[4] = { 1 };
	struct firmware_event ev = event(0, CCEL_EV_SEPARATOR, zeros, 4);

	assert(!firmware_lies(&ev));
	ev.digest.b[0] ^= 1;
	assert(firmware_lies(&ev));
	ev.n_data = 0;
	assert(firmware_lies(&ev)); /* a separator has one digest only */
	ev = event(0, CCEL_EV_SEPARATOR, failure, 4);
	assert(firmware_lies(&ev));
	ev = text(1, CCEL_EV_EFI_ACTION, "x");
	ev.digest.b[47] ^= 1;
	assert(firmware_lies(&ev));
	ev = text(1, CCEL_EV_EFI_BOOT_SERVICES_APPLICATION, "a path, of which no digest is");
	ev.digest.b[0] ^= 1;
	assert(!firmware_lies(&ev));
}

/* Older firmware measures a boot variable's data alone. */
static void test_boot_variables_have_two_digests(void)
{
	size_t n = variable("BootOrder", "ab");
	struct firmware_event ev = event(0, CCEL_EV_EFI_VARIABLE_BOOT, data, n);

	assert(!firmware_lies(&ev));
	ev.digest = digest384_bytes("ab", 2);
	assert(!firmware_lies(&ev));
	ev.digest = digest384_bytes("a", 1);
	assert(firmware_lies(&ev));
	data[24]++; /* its length is no longer that of the data */
	ev.digest = digest384_bytes("ab", 2);
	assert(firmware_lies(&ev));
}

static void test_texts_are_fit_for_a_terminal(void)
{
	static const uint8_t wide[] = { 'k', 0, 0x1b, 0, 'x', 0 };
	char shown[FIRMWARE_TEXT_SIZE];
	struct firmware_event ev = text(1, CCEL_EV_EFI_ACTION, "\x1b[2J");

	assert(str_equal(firmware_text(&ev, shown), "\\x1b[2J"));
	ev = event(2, CCEL_EV_IPL, wide, sizeof wide);
	assert(str_equal(firmware_text(&ev, shown), "k\\x1bx"));
	ev = text(0, CCEL_EV_EFI_HANDOFF_TABLES2, "\xffshort");
	assert(str_equal(firmware_text(&ev, shown), "short"));
	ev = event(0, CCEL_EV_EFI_VARIABLE_BOOT, data, variable("Boot\n", ""));
	assert(str_equal(firmware_text(&ev, shown), "Boot?: 0 bytes"));
}

int main(void)
{
	test_order_tells_what_has_no_data();
	test_data_comes_before_order();
	test_actions_are_known_by_their_digests();
	test_lies();
	test_boot_variables_have_two_digests();
	test_texts_are_fit_for_a_terminal();
	return 0;
}
