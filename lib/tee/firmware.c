/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/firmware.h"

#include <string.h>

#include "base/rd.h"
#include "base/str.h"
#include "tee/measurement.h"
#include "wire/ccel.h"

enum { GUID_SIZE = 16, ZEROS = 4 };

#define CALLING	 "Calling EFI Application from Boot Option"
#define EXITING	 "Exit Boot Services Invocation"
#define EXITED	 "Exit Boot Services Returned with Success"
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *text, *name;
} actions[] = {
	{ CALLING, "boot-option" },
	{ EXITING, "exit-boot-services" },
	{ EXITED, "exit-boot-services-done" },
};

/* In the order in which EDK2 measures them. */
static const struct {
	const char *variable, *name;
} configs[] = {
	{ "SecureBoot", "secure-boot" },
	{ "PK", "pk" },
	{ "KEK", "kek" },
	{ "db", "db" },
	{ "dbx", "dbx" },
};

static const struct {
	const char *file, *name;
} acpi_files[] = {
	{ "etc/table-loader", "acpi-loader" },
	{ "etc/acpi/rsdp", "acpi-rsdp" },
	{ "etc/acpi/tables", "acpi-tables" },
};

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 1, "post-code" },
	{ CCEL_EV_NO_ACTION, "no-action" },
	{ CCEL_EV_SEPARATOR, "separator" },
	{ CCEL_EV_EVENT_TAG, "event-tag" },
	{ CCEL_EV_PLATFORM_CONFIG_FLAGS, "config-flags" },
	{ CCEL_EV_IPL, "boot-loader" },
	{ CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG, "variable" },
	{ CCEL_EV_EFI_VARIABLE_BOOT, "boot-variable" },
	{ CCEL_EV_EFI_VARIABLE_BOOT2, "boot-variable" },
	{ CCEL_EV_EFI_BOOT_SERVICES_APPLICATION, "application" },
	{ CCEL_EV_EFI_GPT, "partition-table" },
	{ CCEL_EV_EFI_ACTION, "action" },
	{ CCEL_EV_EFI_PLATFORM_FIRMWARE_BLOB2, "firmware-blob" },
	{ CCEL_EV_EFI_HANDOFF_TABLES2, "handoff-tables" },
	{ CCEL_EV_EFI_VARIABLE_AUTHORITY, "authority" },
};

static const char *name_of_type(uint32_t type)
{
	size_t i;

	for (i = 0; i < COUNT(types); i++) {
		if (types[i].type == type)
			return types[i].name;
	}
	return "other";
}

static bool is_digest(const struct firmware_event *ev, const void *p, size_t n)
{
	struct digest384 d = digest384_bytes(p, n);

	return memcmp(d.b, ev->digest.b, sizeof d.b) == 0;
}

static bool has_prefix(const struct firmware_event *ev, const char *text)
{
	size_t n = strlen(text);

	return ev->n_data >= n && memcmp(ev->data, text, n) == 0;
}

/* UEFI_VARIABLE_DATA: GUID, lengths of name and data, both.  Return: is it one? */
static bool variable(const struct firmware_event *ev, char *name, size_t size, struct rd *data)
{
	struct rd r = rd_over(ev->data, ev->n_data);
	uint64_t n_name, n_data, i;

	(void)rd_take(&r, GUID_SIZE);
	n_name = rd_le64(&r);
	n_data = rd_le64(&r);
	if (r.failed || n_name >= size)
		return false;
	for (i = 0; i < n_name; i++) {
		uint16_t c = rd_le16(&r);

		name[i] = (char)(c > ' ' && c <= '~' ? c : '?');
	}
	name[n_name] = '\0';
	*data = r;
	(void)rd_take(&r, n_data);
	return rd_done(&r);
}

static const char *name_of_config(const struct firmware_event *ev, unsigned int nth)
{
	char name[64];
	struct rd data;
	size_t i;

	if (ev->n_data == 0)
		return nth < COUNT(configs) ? configs[nth].name : NULL;
	if (!variable(ev, name, sizeof name, &data))
		return NULL;
	for (i = 0; i < COUNT(configs); i++) {
		if (str_equal(configs[i].variable, name))
			return configs[i].name;
	}
	return NULL;
}

static const char *name_of_boot(const struct firmware_event *ev, unsigned int nth)
{
	char name[64];
	struct rd data;

	if (ev->n_data == 0)
		return nth == 0 ? "boot-order" : nth == 1 ? "boot-0000" : NULL;
	if (!variable(ev, name, sizeof name, &data))
		return NULL;
	return str_equal(name, "BootOrder")  ? "boot-order"
	       : str_equal(name, "Boot0000") ? "boot-0000"
					     : NULL;
}

static const char *name_of_action(const struct firmware_event *ev)
{
	size_t i, n;

	for (i = 0; i < COUNT(actions); i++) {
		n = strlen(actions[i].text);
		if (ev->n_data ? ev->n_data == n && has_prefix(ev, actions[i].text)
			       : is_digest(ev, actions[i].text, n))
			return actions[i].name;
	}
	return NULL;
}

static const char *name_of_acpi(const struct firmware_event *ev, unsigned int *n_acpi)
{
	size_t i;

	for (i = 0; i < COUNT(acpi_files); i++) {
		if (has_prefix(ev, acpi_files[i].file))
			return acpi_files[i].name;
	}
	if (has_prefix(ev, "td_hob"))
		return "td-hob";
	if (ev->imr != 0 || (ev->n_data && !has_prefix(ev, "ACPI DATA")))
		return NULL;
	i = *n_acpi < COUNT(acpi_files) ? (*n_acpi)++ : COUNT(acpi_files) - 1;
	return acpi_files[i].name;
}

static bool holds(const struct firmware_event *ev, const char *text)
{
	return ev->n_data && memmem(ev->data, ev->n_data, text, strlen(text));
}

static const char *name_of_tag(const struct firmware_event *ev, unsigned int nth)
{
	if (ev->imr != 2)
		return NULL;
	if (ev->n_data == 0)
		return nth == 0 ? "cmdline" : nth == 1 ? "initrd" : NULL;
	return holds(ev, "LoadOptions") ? "cmdline" : holds(ev, "initrd") ? "initrd" : NULL;
}

const char *firmware_name(const struct firmware_event *ev, struct firmware_before *before)
{
	unsigned int nth = ev->imr < COUNT(before->events) ? before->events[ev->imr]++ : 0;
	const char *name = NULL;

	switch (ev->type) {
	case CCEL_EV_EFI_HANDOFF_TABLES2:
		name = ev->imr == 0 ? "td-hob" : NULL;
		break;
	case CCEL_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		name = ev->imr == 0 ? "cfv" : NULL;
		break;
	case CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG:
		name = name_of_config(ev, before->config++);
		break;
	case CCEL_EV_EFI_VARIABLE_BOOT:
	case CCEL_EV_EFI_VARIABLE_BOOT2:
		name = name_of_boot(ev, before->boot++);
		break;
	case CCEL_EV_PLATFORM_CONFIG_FLAGS:
		name = name_of_acpi(ev, &before->acpi);
		break;
	case CCEL_EV_EFI_BOOT_SERVICES_APPLICATION:
		/* QEMU hands the kernel over: nothing was run before it */
		name = ev->imr == 1 && nth == 0 ? "kernel" : NULL;
		break;
	case CCEL_EV_EFI_ACTION:
		name = name_of_action(ev);
		break;
	case CCEL_EV_EVENT_TAG:
		name = name_of_tag(ev, before->tags++);
		break;
	default:
		break;
	}
	return name ? name : name_of_type(ev->type);
}

bool firmware_lies(const struct firmware_event *ev)
{
	static const uint8_t zeros[ZEROS];
	char name[64];
	struct rd data;

	switch (ev->type) {
	case CCEL_EV_SEPARATOR:
		if (ev->n_data && (ev->n_data != ZEROS || memcmp(ev->data, zeros, ZEROS) != 0))
			return true; /* an error of the firmware's is no separator */
		return !is_digest(ev, zeros, ZEROS);
	case CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case CCEL_EV_EFI_VARIABLE_AUTHORITY:
	case CCEL_EV_EFI_ACTION:
	case CCEL_EV_EFI_GPT:
		return ev->n_data && !is_digest(ev, ev->data, ev->n_data);
	case CCEL_EV_EFI_VARIABLE_BOOT: /* older firmware measures the data alone */
	case CCEL_EV_EFI_VARIABLE_BOOT2:
		return ev->n_data && !is_digest(ev, ev->data, ev->n_data) &&
		       !(variable(ev, name, sizeof name, &data) &&
			 is_digest(ev, data.p, rd_left(&data)));
	default:
		return false;
	}
}

static const char *text_of_variable(const struct firmware_event *ev,
				    char dst[static FIRMWARE_TEXT_SIZE])
{
	char name[64];
	struct rd data;

	if (variable(ev, name, sizeof name, &data))
		(void)str_format(dst, FIRMWARE_TEXT_SIZE, "%s: %zu bytes", name, rd_left(&data));
	return dst;
}

/* UTF-16 of ASCII, as EFI writes texts, or ASCII itself; cut at its NUL. */
static const char *text_of(const uint8_t *p, size_t n, char dst[static FIRMWARE_TEXT_SIZE])
{
	char plain[FIRMWARE_TEXT_SIZE];
	size_t step = n > 3 && p[1] == 0 ? 2 : 1, i, m = 0;

	for (i = 0; i < n && p[i] && m < sizeof plain; i += step)
		plain[m++] = (char)p[i];
	return str_escape(dst, FIRMWARE_TEXT_SIZE, plain, m);
}

const char *firmware_text(const struct firmware_event *ev, char dst[static FIRMWARE_TEXT_SIZE])
{
	*dst = '\0';
	if (ev->n_data == 0)
		return dst;
	switch (ev->type) {
	case CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case CCEL_EV_EFI_VARIABLE_BOOT:
	case CCEL_EV_EFI_VARIABLE_BOOT2:
	case CCEL_EV_EFI_VARIABLE_AUTHORITY:
		return text_of_variable(ev, dst);
	case CCEL_EV_EVENT_TAG: /* a number, a length, then the text */
		return text_of(ev->data + (ev->n_data > 8 ? 8 : 0),
			       ev->n_data - (ev->n_data > 8 ? 8 : 0), dst);
	case CCEL_EV_EFI_HANDOFF_TABLES2: /* a length before the text */
	case CCEL_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		return text_of(ev->data + 1, *ev->data < ev->n_data ? *ev->data : ev->n_data - 1,
			       dst);
	case CCEL_EV_PLATFORM_CONFIG_FLAGS:
	case CCEL_EV_IPL:
	case CCEL_EV_EFI_ACTION:
		return text_of(ev->data, ev->n_data, dst);
	default:
		return dst;
	}
}
