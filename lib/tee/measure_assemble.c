/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure_assemble: the events of a boot, in their order, and the registers that they make
 *
 * A table: an event is either one of the parts that differ from machine to machine, or the digest of bytes that
 * EDK2 and Linux always have.  Variables are empty: no key is enrolled, Secure Boot is off.
 */
#include "tee/measure.h"

#include <assert.h>
#include <string.h>

#include "tee/event.h"

#define GLOBAL_GUID   "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c"
#define SECURITY_GUID "\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f"

/* A load option: attributes, length of the path, "UiApp", and where that is in OVMF's own volume. */
#define BOOT_OPTION                                                                                \
	"\x09\x01\x00\x00\x2c\x00U\0i\0A\0p\0p\0\0\0"                                              \
	"\x04\x07\x14\x00\xc9\xbd\xb8\x7c\xeb\xf8\x34\x4f\xaa\xea\x3e\xe4\xaf\x65\x16\xa1"         \
	"\x04\x06\x14\x00\x21\xaa\x2c\x46\x14\x76\x03\x45\x83\x6e\x8a\xb6\xf4\x66\x23\x31"         \
	"\x7f\xff\x04\x00"

enum source {
	SOURCE_PART,	 /* a digest of struct measure_parts */
	SOURCE_BYTES,	 /* the digest of @bytes */
	SOURCE_VARIABLE, /* of an empty variable: @bytes is its GUID, @variable its name */
};

struct step {
	unsigned int imr;
	uint32_t type;
	const char *name;
	enum source source;
	size_t part; /* offset in struct measure_parts */
	const char *bytes;
	size_t n_bytes;
	const char *variable;
};

#define PART(i, t, label, member)                                                                  \
	{                                                                                          \
		.imr = (i), .type = (t), .name = (label), .source = SOURCE_PART,                   \
		.part = offsetof(struct measure_parts, member)                                     \
	}
#define BYTES(i, t, label, text)                                                                   \
	{                                                                                          \
		.imr = (i), .type = (t), .name = (label), .source = SOURCE_BYTES, .bytes = (text), \
		.n_bytes = sizeof(text) - 1                                                        \
	}
#define VARIABLE(label, guid, text)                                                                \
	{                                                                                          \
		.imr = 0, .type = BOOT_EVENT_VARIABLE_CONFIG, .name = (label),                     \
		.source = SOURCE_VARIABLE, .bytes = (guid), .n_bytes = sizeof(guid) - 1,           \
		.variable = (text)                                                                 \
	}

static const struct step steps[] = {
	PART(0, BOOT_EVENT_HANDOFF_TABLES, "td-hob", td_hob),
	PART(0, BOOT_EVENT_FIRMWARE_BLOB, "cfv", cfv),
	VARIABLE("secure-boot", GLOBAL_GUID, "SecureBoot"),
	VARIABLE("pk", GLOBAL_GUID, "PK"),
	VARIABLE("kek", GLOBAL_GUID, "KEK"),
	VARIABLE("db", SECURITY_GUID, "db"),
	VARIABLE("dbx", SECURITY_GUID, "dbx"),
	BYTES(0, BOOT_EVENT_SEPARATOR, "separator", "\0\0\0\0"),
	PART(0, BOOT_EVENT_PLATFORM_FLAGS, "acpi-loader", acpi.loader),
	PART(0, BOOT_EVENT_PLATFORM_FLAGS, "acpi-rsdp", acpi.rsdp),
	PART(0, BOOT_EVENT_PLATFORM_FLAGS, "acpi-tables", acpi.tables),
	PART(1, BOOT_EVENT_APPLICATION, "kernel", kernel),
	BYTES(0, BOOT_EVENT_VARIABLE_BOOT, "boot-order", "\0\0"),
	BYTES(0, BOOT_EVENT_VARIABLE_BOOT, "boot-0000", BOOT_OPTION),
	BYTES(1, BOOT_EVENT_ACTION, "boot-option", "Calling EFI Application from Boot Option"),
	BYTES(1, BOOT_EVENT_SEPARATOR, "separator", "\0\0\0\0"),
	PART(2, BOOT_EVENT_EVENT_TAG, "cmdline", cmdline),
	PART(2, BOOT_EVENT_EVENT_TAG, "initrd", initrd),
	BYTES(1, BOOT_EVENT_ACTION, "exit-boot-services", "Exit Boot Services Invocation"),
	BYTES(1, BOOT_EVENT_ACTION, "exit-boot-services-done",
	      "Exit Boot Services Returned with Success"),
};

enum { NAME_MAX = 16 };

static const size_t n_steps = sizeof(steps) / sizeof(steps[0]);

_Static_assert(sizeof(steps) / sizeof(steps[0]) <= (size_t)MEASUREMENT_EVENTS_MAX,
	       "room for every event");

/* UEFI_VARIABLE_DATA: GUID, length of the name, of the data, the name as UTF-16, the data (none). */
static struct digest384 digest_variable(const struct step *s)
{
	uint8_t lengths[16] = { (uint8_t)strlen(s->variable) }, name[2 * NAME_MAX] = { 0 };
	size_t n = strlen(s->variable), i;
	const struct digest_part parts[] = {
		{ s->bytes, s->n_bytes },
		{ lengths, sizeof(lengths) },
		{ name, 2 * n },
	};

	assert(n <= NAME_MAX);
	for (i = 0; i < n; i++)
		name[2 * i] = (uint8_t)s->variable[i];
	return digest384_of(parts, 3);
}

static struct digest384 digest_of(const struct step *s, const struct measure_parts *parts)
{
	struct digest384 d;

	if (s->source == SOURCE_BYTES)
		return digest384_bytes(s->bytes, s->n_bytes);
	if (s->source == SOURCE_VARIABLE)
		return digest_variable(s);
	memcpy(&d, (const uint8_t *)parts + s->part, sizeof(d));
	return d;
}

void measure_assemble(const struct measure_parts *parts, struct measurement *ret)
{
	size_t i;

	*ret = (struct measurement){ .mrtd = parts->mrtd, .n_events = n_steps };
	for (i = 0; i < n_steps; i++) {
		struct boot_event *ev = &ret->events[i];

		*ev = (struct boot_event){ .imr = steps[i].imr,
					   .type = steps[i].type,
					   .digest = digest_of(&steps[i], parts),
					   .name = steps[i].name };
		ret->rtmr[ev->imr] = event_extend(&ret->rtmr[ev->imr], &ev->digest);
	}
}
