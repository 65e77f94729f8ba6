/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU builds the tables when somebody selects their file, from what firmware has told the chipset by then.  What
 * OVMF tells it, and what shows in the tables, is four registers and one 64-bit BAR.  The first selection builds; the
 * directory has the right sizes after it only.
 *
 * Files are fetched by DMA: a descriptor and a buffer in the memory of a guest that never runs.
 */
#include "measure/qemu_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "loop/child.h"
#include "loop/child_talk.h"
#include "measure/qtest.h"
#include "wire/acpi.h"

enum {
	DESCRIPTOR_AT = 0x1000,
	BUFFER_AT = 0x200000,
	DMA_READ = 2,
	DMA_SELECT = 8,
	PORT_DMA_HIGH = 0x514,
	PORT_DMA_LOW = 0x518,
	PORT_PCI_ADDRESS = 0xcf8,
	PORT_PCI_DATA = 0xcfc,
	COMMAND_MAX = 128,
	PART_SIZE = 32 * 1024,
	FILE_MAX = 8 * 1024 * 1024, /* below BUFFER_AT + the least memory of a VM */
	VERSION_TIMEOUT_MS = 20 * 1000,
};

struct ask {
	struct child_talk child;
	uint64_t deadline;
	struct buf in; /* read, and not yet taken */
};

static int is_gone(int rc, struct err *e)
{
	if (rc == -ETIMEDOUT)
		return err_set(e, ERR_HYPERVISOR, "QEMU did not answer in time");
	if (rc == 0 || rc == -EPIPE)
		return err_set(e, ERR_HYPERVISOR, "QEMU ended");
	return err_errno(e, -rc, "speaking to QEMU");
}

/* A whole line is at the front of a->in.  Return: its length without the end; 0: not yet. */
static size_t whole_line(const struct buf *in)
{
	const uint8_t *end = in->n ? memchr(in->p, '\n', in->n) : NULL;

	return end ? (size_t)(end - in->p) : 0;
}

static int read_more(struct ask *a, struct err *e)
{
	ssize_t k;

	if (buf_reserve(&a->in, PART_SIZE) < 0)
		return err_set(e, ERR_HYPERVISOR, "QEMU's answer is too long");
	k = child_talk_read(&a->child, a->in.p + a->in.n, PART_SIZE, a->deadline);
	if (k <= 0)
		return is_gone((int)k, e);
	a->in.n += (size_t)k;
	return 0;
}

/* Say @command and take the answer: @n bytes into @ret, or nothing. */
static int say(struct ask *a, const char *command, uint8_t *ret, size_t n, struct err *e)
{
	size_t line;
	int rc;

	rc = child_talk_write(&a->child, command, strlen(command), a->deadline);
	if (rc < 0)
		return is_gone(rc, e);
	for (;;) {
		line = whole_line(&a->in);
		if (line == 0) {
			rc = read_more(a, e);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = qtest_reply((const char *)a->in.p, line, ret, n, e);
		buf_drop(&a->in, line + 1);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
}

static int outl(struct ask *a, unsigned int port, uint32_t value, struct err *e)
{
	char command[COMMAND_MAX];

	(void)str_format(command, sizeof(command), "outl 0x%x 0x%" PRIx32 "\n", port, value);
	return say(a, command, NULL, 0, e);
}

static int as_firmware(struct ask *a, struct err *e)
{
	static const struct {
		uint32_t device, reg, value;
	} set[] = {
		{ 0, 0x64, 0 },		 /* PCIEXBAR, above 4 GiB */
		{ 0, 0x60, 0xe0000001 }, /* PCIEXBAR: 256 MiB, on */
		{ 0x1f, 0x40, 0x601 },	 /* ICH9 PMBASE */
		{ 0x1f, 0x44, 0x80 },	 /* ICH9 ACPI_CNTL: on */
		{ 1, 0x20, 0 },		 /* a 64-bit BAR where OVMF puts the first with 46 bits */
		{ 1, 0x24, 0x3800 },	 /* of addresses: 0x380000000000 */
		{ 1, 0x04, 2 },		 /* memory decoding */
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(set) / sizeof(set[0]); i++) {
		rc = outl(a, PORT_PCI_ADDRESS, 0x80000000 | set[i].device << 11 | set[i].reg, e);
		if (rc == 0)
			rc = outl(a, PORT_PCI_DATA, set[i].value, e);
	}
	return rc;
}

/* Select @key and fetch its first @n bytes, appended to @ret. */
static int fetch(struct ask *a, uint16_t key, size_t n, struct buf *ret, struct err *e)
{
	char command[COMMAND_MAX];
	size_t at, part;
	int rc;

	/* control, length, address, each big-endian; so is the register that starts it */
	(void)str_format(command, sizeof(command),
			 "write 0x%x 0x10 0x%08" PRIx32 "%08zx%016" PRIx64 "\n",
			 (unsigned int)DESCRIPTOR_AT, (uint32_t)key << 16 | DMA_SELECT | DMA_READ,
			 n, (uint64_t)BUFFER_AT);
	rc = say(a, command, NULL, 0, e);
	if (rc == 0)
		rc = outl(a, PORT_DMA_HIGH, 0, e);
	if (rc == 0)
		rc = outl(a, PORT_DMA_LOW, __builtin_bswap32(DESCRIPTOR_AT), e);
	if (rc == 0 && buf_reserve(ret, n) < 0)
		rc = err_set(e, ERR_HYPERVISOR, "QEMU's file of %zu bytes is too large", n);
	for (at = 0; rc == 0 && at < n; at += part) {
		part = n - at < QTEST_READ_MAX ? n - at : QTEST_READ_MAX;
		(void)str_format(command, sizeof(command), "read 0x%zx 0x%zx\n", BUFFER_AT + at,
				 part);
		rc = say(a, command, ret->p + ret->n, part, e);
		if (rc == 0)
			ret->n += part;
	}
	return rc;
}

static int find(struct ask *a, const char *name, struct fw_cfg_file *ret, struct err *e)
{
	auto_buf struct buf dir = BUF_MAX(4 + FW_CFG_FILES_MAX * FW_CFG_ENTRY_SIZE);
	uint32_t n = 0;
	int rc;

	rc = fetch(a, FW_CFG_DIRECTORY, 4, &dir, e);
	if (rc == 0)
		rc = fw_cfg_count(dir.p, &n, e);
	if (rc < 0)
		return rc;
	dir.n = 0;
	rc = fetch(a, FW_CFG_DIRECTORY, 4 + (size_t)n * FW_CFG_ENTRY_SIZE, &dir, e);
	return rc < 0 ? rc : fw_cfg_find(dir.p, dir.n, name, ret, e);
}

static int read_file(struct ask *a, const char *name, struct buf *ret, struct err *e)
{
	struct fw_cfg_file file;
	int rc;

	*ret = BUF_MAX(FILE_MAX);
	rc = find(a, name, &file, e);
	if (rc == 0)
		rc = fetch(a, file.key, 1, ret, e);
	if (rc == 0)
		rc = find(a, name, &file, e);
	if (rc < 0)
		return rc;
	ret->n = 0;
	return fetch(a, file.key, file.size, ret, e);
}

static int read_files(struct ask *a, struct qemu_files *ret, struct err *e)
{
	int rc = as_firmware(a, e);

	if (rc == 0)
		rc = read_file(a, "etc/acpi/tables", &ret->tables, e);
	if (rc == 0)
		rc = read_file(a, "etc/table-loader", &ret->loader, e);
	if (rc == 0)
		rc = read_file(a, "etc/acpi/rsdp", &ret->rsdp, e);
	return rc;
}

void qemu_files_deinit(struct qemu_files *f)
{
	buf_deinit(&f->tables);
	buf_deinit(&f->loader);
	buf_deinit(&f->rsdp);
}

int qemu_ask(const char *const *argv, uint64_t deadline, struct qemu_files *ret, struct err *e)
{
	struct ask a = { .deadline = deadline, .in = BUF_MAX(2 * QTEST_LINE_MAX) };
	char said[256] = "";
	int rc;

	*ret = (struct qemu_files){ .tables = { .p = NULL } };
	rc = child_talk_begin(argv, &a.child, e);
	if (rc < 0)
		return rc;
	rc = read_files(&a, ret, e);
	child_talk_end(&a.child, said, sizeof(said));
	buf_deinit(&a.in);
	if (rc < 0 && said[0])
		return err_set(e, ERR_HYPERVISOR, "asking '%s' for ACPI tables: %s", argv[0], said);
	return rc < 0 ? err_wrap(e, ERR_HYPERVISOR, "asking '%s' for ACPI tables", argv[0]) : 0;
}

int qemu_version_read(const char *said, char ret[static QEMU_VERSION_SIZE], struct err *e)
{
	unsigned int major, minor, micro;
	const char *at = strstr(said, "version ");

	/* NOLINTNEXTLINE(cert-err34-c): each field is at most 4 digits, and their count is checked */
	if (!at || sscanf(at, "version %4u.%4u.%4u", &major, &minor, &micro) != 3)
		return err_set(e, ERR_PROTO, "it does not tell QEMU's version");
	(void)str_format(ret, QEMU_VERSION_SIZE, "%u.%u.%u", major, minor, micro);
	return 0;
}

int qemu_version_ask(const char *qemu, char ret[static QEMU_VERSION_SIZE], struct err *e)
{
	const char *const argv[] = { qemu, "--version", NULL };
	struct child_options o = { .argv = argv, .timeout_ms = VERSION_TIMEOUT_MS };
	auto_buf struct buf out = { .p = NULL };
	int rc = child_must(&o, &out, e);

	if (rc == 0)
		rc = qemu_version_read(out.p ? (const char *)out.p : "", ret, e);
	return rc == 0 || rc == ERR_MISSING
		       ? rc
		       : err_wrap(e, ERR_HYPERVISOR, "asking '%s' for its version", qemu);
}
