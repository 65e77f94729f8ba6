/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map is read by a table of its keys: each must come exactly once.  A row either reads its value or another map.
 */
#include "tee/lite.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"
#include "crypto/sums.h"
#include "wire/bzimage.h"
#include "wire/cbor.h"

enum { VERSION = 3 };

static const char ovmf_variant[] = "pre202505";

/* SHA-384 of the CFV of that firmware, which has no variable in it. */
static const struct digest384 cfv = { {
	0x34, 0x4b, 0xc5, 0x1c, 0x98, 0x0b, 0xa6, 0x21, 0xaa, 0xa0, 0x0d, 0xa3,
	0xed, 0x74, 0x36, 0xf7, 0xd6, 0xe5, 0x49, 0x19, 0x7d, 0xfe, 0x69, 0x95,
	0x15, 0xdf, 0xa2, 0xc6, 0x58, 0x3d, 0x95, 0xe6, 0x41, 0x2a, 0xf2, 0x1c,
	0x09, 0x7d, 0x47, 0x31, 0x55, 0x87, 0x5f, 0xfd, 0x56, 0x1d, 0x67, 0x90,
} };

/* What a cursor has got to. */
struct reader {
	struct rd r;
	struct lite_document d;
	struct err *e;
};

struct key {
	const char *name; /* NULL ends a table */
	int (*read)(struct reader *in, const struct key *k);
	size_t to; /* read_digest: where in struct lite_document */
};

static int bad(const struct reader *in, const struct key *k, const char *why)
{
	return err_set(in->e, ERR_INPUT, "measurement document: %s: %s", k->name, why);
}

static int read_digest(struct reader *in, const struct key *k)
{
	struct cbor_bytes b;

	if (!cbor_bytes(&in->r, &b) || b.n != sizeof(struct digest384))
		return bad(in, k, "no byte string of 48 bytes");
	memcpy((uint8_t *)&in->d + k->to, b.p, b.n);
	return 0;
}

static int read_version(struct reader *in, const struct key *k)
{
	uint64_t v;

	if (!cbor_uint(&in->r, &v) || v != VERSION)
		return bad(in, k, "not 3");
	return 0;
}

static int read_ovmf(struct reader *in, const struct key *k)
{
	struct cbor_bytes b;

	if (!cbor_text(&in->r, &b) || b.n != strlen(ovmf_variant) ||
	    memcmp(b.p, ovmf_variant, b.n) != 0)
		return bad(in, k, "not pre202505, the only firmware whose events are known");
	return 0;
}

static int read_witness(struct reader *in, const struct key *k)
{
	struct cbor_bytes b;

	if (!cbor_bytes(&in->r, &b) || b.n > TD_HOB_WITNESS_MAX)
		return bad(in, k, "no byte string of a witness's size");
	if (td_hob_witness_read(b.p, b.n, &in->d.layout, in->e) < 0)
		return err_wrap(in->e, ERR_INPUT, "measurement document");
	return 0;
}

/* Which key of @table comes next; its bit is set in @seen. */
static int next_key(struct reader *in, const struct key *table, unsigned int *seen,
		    const struct key **ret)
{
	struct cbor_bytes name;
	char shown[64];
	size_t i;

	if (!cbor_text(&in->r, &name))
		return err_set(in->e, ERR_INPUT, "measurement document: it ends within a map");
	for (i = 0; table[i].name; i++) {
		if (strlen(table[i].name) != name.n || memcmp(table[i].name, name.p, name.n) != 0)
			continue;
		if (*seen & 1u << i)
			return bad(in, &table[i], "it is there twice");
		*seen |= 1u << i;
		*ret = &table[i];
		return 0;
	}
	return err_set(in->e, ERR_INPUT, "measurement document: key \"%s\" is unknown",
		       str_escape(shown, sizeof(shown), name.p, name.n));
}

static int read_map(struct reader *in, const char *what, const struct key *table)
{
	const struct key *k = NULL;
	unsigned int seen = 0;
	uint64_t pairs, wanted;
	int rc = 0;

	for (wanted = 0; table[wanted].name;)
		wanted++;
	if (!cbor_map(&in->r, &pairs) || pairs != wanted)
		return err_set(in->e, ERR_INPUT, "measurement document: %s is no map of %llu keys",
			       what, (unsigned long long)wanted);
	for (; rc == 0 && pairs > 0; pairs--) {
		rc = next_key(in, table, &seen, &k);
		if (rc == 0 && k)
			rc = k->read(in, k);
	}
	return rc;
}

static int read_image(struct reader *in, const struct key *k)
{
	static const struct key keys[] = {
		{ "cmdline_sha384", read_digest, offsetof(struct lite_document, cmdline) },
		{ "kernel_authenticode", read_digest, offsetof(struct lite_document, kernel) },
		{ "initrd_sha384", read_digest, offsetof(struct lite_document, initrd) },
		{ .name = NULL },
	};

	return read_map(in, k->name, keys);
}

static int read_mrtd(struct reader *in, const struct key *k)
{
	static const struct key keys[] = {
		{ "single_pass", read_digest, offsetof(struct lite_document, mrtd_single) },
		{ "two_pass", read_digest, offsetof(struct lite_document, mrtd_two) },
		{ .name = NULL },
	};

	return read_map(in, k->name, keys);
}

static int read_tdvf(struct reader *in, const struct key *k)
{
	static const struct key keys[] = {
		{ "ovmf", read_ovmf, 0 },
		{ "mrtd", read_mrtd, 0 },
		{ "td_hob", read_witness, 0 },
		{ .name = NULL },
	};

	return read_map(in, k->name, keys);
}

int lite_parse(const void *p, size_t n, struct lite_document *ret, struct err *e)
{
	static const struct key keys[] = {
		{ "version", read_version, 0 },
		{ "image", read_image, 0 },
		{ "tdvf", read_tdvf, 0 },
		{ .name = NULL },
	};
	struct reader in = { .r = rd_over(p, n), .e = e };
	int rc;

	if (n > LITE_DOCUMENT_MAX)
		return err_set(e, ERR_INPUT, "measurement document: more than %d bytes",
			       LITE_DOCUMENT_MAX);
	rc = read_map(&in, "it", keys);
	if (rc == 0 && !rd_done(&in.r))
		rc = err_set(e, ERR_INPUT, "measurement document: bytes are left over behind it");
	if (rc == 0)
		*ret = in.d;
	return rc;
}

static int put_digest(struct buf *to, const char *name, const struct digest384 *d)
{
	int rc = cbor_put_text(to, name);

	return rc < 0 ? rc : cbor_put_bytes(to, d->b, sizeof(d->b));
}

static int put_map(struct buf *to, const char *name, uint64_t pairs)
{
	int rc = cbor_put_text(to, name);

	return rc < 0 ? rc : cbor_put_map(to, pairs);
}

static int put_image(struct buf *to, const struct lite_document *d)
{
	int rc = put_map(to, "image", 3);

	if (rc == 0)
		rc = put_digest(to, "cmdline_sha384", &d->cmdline);
	if (rc == 0)
		rc = put_digest(to, "kernel_authenticode", &d->kernel);
	if (rc == 0)
		rc = put_digest(to, "initrd_sha384", &d->initrd);
	return rc;
}

static int put_witness(struct buf *to, const struct lite_document *d)
{
	auto_buf struct buf witness = BUF_MAX(TD_HOB_WITNESS_MAX);
	int rc = td_hob_witness_write(&d->layout, &witness);

	if (rc == 0)
		rc = cbor_put_text(to, "td_hob");
	if (rc == 0)
		rc = cbor_put_bytes(to, witness.p, witness.n);
	return rc;
}

static int put_tdvf(struct buf *to, const struct lite_document *d)
{
	int rc = put_map(to, "tdvf", 3);

	if (rc == 0)
		rc = cbor_put_text(to, "ovmf");
	if (rc == 0)
		rc = cbor_put_text(to, ovmf_variant);
	if (rc == 0)
		rc = put_map(to, "mrtd", 2);
	if (rc == 0)
		rc = put_digest(to, "single_pass", &d->mrtd_single);
	if (rc == 0)
		rc = put_digest(to, "two_pass", &d->mrtd_two);
	return rc < 0 ? rc : put_witness(to, d);
}

int lite_write(const struct lite_document *d, struct buf *ret)
{
	int rc = cbor_put_map(ret, 3);

	if (rc == 0)
		rc = cbor_put_text(ret, "version");
	if (rc == 0)
		rc = cbor_put_uint(ret, VERSION);
	if (rc == 0)
		rc = put_image(ret, d);
	return rc < 0 ? rc : put_tdvf(ret, d);
}

int lite_bind(const struct digest256 *os_image_hash, const void *sums, size_t n_sums, const void *p,
	      size_t n, struct err *e)
{
	struct digest256 of_sums, of_document;
	struct sum line;
	int rc;

	if (n_sums > LITE_SUMS_MAX || n > LITE_DOCUMENT_MAX)
		return err_set(e, ERR_INPUT, "sha256sum.txt or %s: too large", LITE_DOCUMENT_NAME);
	of_sums = digest256_bytes(sums, n_sums);
	of_document = digest256_bytes(p, n);
	if (memcmp(of_sums.b, os_image_hash->b, sizeof(of_sums.b)) != 0)
		return err_set(e, ERR_INPUT, "sha256sum.txt: its SHA-256 is not os_image_hash");
	rc = sums_find(sums, n_sums, LITE_DOCUMENT_NAME, &line, e);
	if (rc < 0)
		return err_wrap(e, ERR_INPUT, "sha256sum.txt");
	if (rc == 0)
		return err_set(e, ERR_INPUT, "sha256sum.txt: it does not list %s",
			       LITE_DOCUMENT_NAME);
	if (memcmp(line.digest.b, of_document.b, sizeof(of_document.b)) != 0)
		return err_set(e, ERR_INPUT, "%s: its SHA-256 is not the one in sha256sum.txt",
			       LITE_DOCUMENT_NAME);
	return 0;
}

bool lite_knows_cfv(const struct digest384 *of)
{
	return memcmp(of->b, cfv.b, sizeof(cfv.b)) == 0;
}

bool lite_fits(uint64_t memory)
{
	return memory == BZIMAGE_SPLIT_LOW || memory >= BZIMAGE_SPLIT_AT;
}

int lite_measure(const struct lite_document *d, uint64_t memory, bool two_pass,
		 const struct measure_acpi *acpi, struct measurement *ret, struct err *e)
{
	struct measure_parts parts = { .mrtd = two_pass ? d->mrtd_two : d->mrtd_single,
				       .cfv = cfv,
				       .kernel = d->kernel,
				       .cmdline = d->cmdline,
				       .initrd = d->initrd,
				       .acpi = *acpi };
	int rc;

	if (!lite_fits(memory)) {
		return err_set(e, ERR_INPUT,
			       "%llu bytes of memory: an image's measurement document is for 2 "
			       "GiB, or 2816 MiB "
			       "and more; other sizes need the image's files",
			       (unsigned long long)memory);
	}
	rc = measure_td_hob(&d->layout, memory, &parts.td_hob, e);
	if (rc == 0)
		measure_assemble(&parts, ret);
	return rc;
}
