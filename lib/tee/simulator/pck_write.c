/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/pck_write.h"

#include <stdlib.h>

#include "base/buf.h"
#include "crypto/pck.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_ENUM = 0x0a,
	TAG_SEQUENCE = 0x30,
	PLACE = PCK_WRITE_MAX,
};

/* All of it has room: a lack of memory is all that can fail. */
static void put(struct buf *out, const void *p, size_t n)
{
	if (buf_add(out, p, n) < 0)
		abort();
}

static void element(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	const uint8_t head[4] = { tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n };
	const uint8_t medium[3] = { tag, 0x81, (uint8_t)n }, brief[2] = { tag, (uint8_t)n };

	if (n < 0x80)
		put(out, brief, sizeof(brief));
	else if (n < 0x100)
		put(out, medium, sizeof(medium));
	else
		put(out, head, sizeof(head));
	put(out, p, n);
}

/* SEQUENCE { the arc @id (below @middle, unless that is 0) of Intel's extension, @tag @p }. */
static void entry(struct buf *out, uint8_t middle, uint8_t id, uint8_t tag, const void *p, size_t n)
{
	static const uint8_t base[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
	auto_buf struct buf oid = BUF_MAX(PLACE), both = BUF_MAX(PLACE);

	put(&oid, base, sizeof(base));
	put(&oid, &middle, middle ? 1 : 0);
	put(&oid, &id, 1);
	element(&both, TAG_OID, oid.p, oid.n);
	element(&both, tag, p, n);
	element(out, TAG_SEQUENCE, both.p, both.n);
}

static void number(struct buf *out, uint8_t middle, uint8_t id, uint16_t v)
{
	const uint8_t all[3] = { 0, (uint8_t)(v >> 8), (uint8_t)v };
	size_t skip = v < 0x80 ? 2 : v < 0x8000 ? 1 : 0;

	entry(out, middle, id, TAG_INTEGER, all + skip, sizeof(all) - skip);
}

static void write_tcb(const struct pck *k, struct buf *out)
{
	auto_buf struct buf tcb = BUF_MAX(PLACE);
	size_t i;

	for (i = 0; i < sizeof(k->components); i++)
		number(&tcb, 2, (uint8_t)(i + 1), k->components[i]);
	number(&tcb, 2, 17, k->pce_svn);
	entry(&tcb, 2, 18, TAG_OCTETS, k->cpu_svn, sizeof(k->cpu_svn));
	entry(out, 0, 2, TAG_SEQUENCE, tcb.p, tcb.n);
}

void pck_write(const struct pck *k, struct buf *out)
{
	static const uint8_t instance[16], yes = 0xff;
	auto_buf struct buf all = BUF_MAX(PLACE), how = BUF_MAX(PLACE);
	uint8_t i;

	entry(&all, 0, 1, TAG_OCTETS, k->ppid, sizeof(k->ppid));
	write_tcb(k, &all);
	entry(&all, 0, 3, TAG_OCTETS, k->pce_id, sizeof(k->pce_id));
	entry(&all, 0, 4, TAG_OCTETS, k->fmspc, sizeof(k->fmspc));
	entry(&all, 0, 5, TAG_ENUM, &k->sgx_type, 1);
	entry(&all, 0, 6, TAG_OCTETS, instance, sizeof(instance));
	for (i = 1; i <= 3; i++) /* dynamic platform, cached keys, SMT */
		entry(&how, 7, i, TAG_BOOLEAN, &yes, 1);
	entry(&all, 0, 7, TAG_SEQUENCE, how.p, how.n);
	element(out, TAG_SEQUENCE, all.p, all.n);
}
