/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pck.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/rd.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_ENUM = 0x0a,
	TAG_SEQUENCE = 0x30,
	ID_PPID = 1,
	ID_TCB = 2,
	ID_PCE_ID = 3,
	ID_FMSPC = 4,
	ID_SGX_TYPE = 5,
	ID_INSTANCE = 6, /* this and the next: of platforms with several packages; read, not kept */
	ID_CONFIGURATION = 7,
	ID_LAST = ID_CONFIGURATION,
	CONFIGURATION_LAST = 3,
	TCB_PCE_SVN = 17,
	TCB_CPU_SVN = 18,
};

static const uint8_t sgx_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

/* The next element, which must have @tag and a length in its shortest form. */
static struct rd element(struct rd *r, uint8_t tag)
{
	uint8_t found = rd_u8(r), first = rd_u8(r);
	size_t n = first;
	const uint8_t *p;

	if (first >= 0x80) {
		n = first == 0x81 ? rd_u8(r) : first == 0x82 ? rd_be16(r) : 0;
		if ((first == 0x81 && n < 0x80) || (first == 0x82 && n < 0x100) || first == 0x80 ||
		    first > 0x82)
			r->failed = true;
	}
	if (found != tag)
		r->failed = true;
	p = rd_take(r, n);
	if (!p)
		return (struct rd){ .failed = true };
	return rd_over(p, n);
}

/* An unsigned number of at most two bytes. */
static uint16_t number(struct rd *r, uint8_t tag)
{
	struct rd v = element(r, tag);
	size_t n = rd_left(&v);

	if (v.failed || n < 1 || n > 3 || (v.p[0] & 0x80) ||
	    (n > 1 && v.p[0] == 0 && !(v.p[1] & 0x80)) || (n == 3 && v.p[0] != 0)) {
		r->failed = true;
		return 0;
	}
	return (uint16_t)rd_be(&v, n);
}

static void octets(struct rd *r, void *dst, size_t n)
{
	struct rd v = element(r, TAG_OCTETS);

	if (!rd_copy(&v, dst, n) || !rd_done(&v))
		r->failed = true;
}

/* The last arc of the next OID, which is @n_middle arcs (@middle) below Intel's; 0 if it is not. */
static uint8_t arc(struct rd *r, const uint8_t *middle, size_t n_middle)
{
	struct rd v = element(r, TAG_OID);
	const uint8_t *p = rd_take(&v, sizeof sgx_oid), *m = rd_take(&v, n_middle);
	uint8_t last = rd_u8(&v);

	if (!rd_done(&v) || memcmp(p, sgx_oid, sizeof sgx_oid) != 0 ||
	    (n_middle && memcmp(m, middle, n_middle) != 0) || last >= 0x80)
		return 0;
	return last;
}

static bool is_new(uint32_t *seen, uint8_t id)
{
	uint32_t bit = 1u << id;

	if (*seen & bit)
		return false;
	*seen |= bit;
	return true;
}

static bool read_tcb(struct rd *r, struct pck *k)
{
	static const uint8_t middle[] = { ID_TCB };
	struct rd all = element(r, TAG_SEQUENCE);
	uint32_t seen = 0;

	while (!all.failed && rd_left(&all)) {
		struct rd one = element(&all, TAG_SEQUENCE);
		uint8_t id = arc(&one, middle, sizeof middle);
		uint16_t svn = 0;

		if (id < 1 || id > TCB_CPU_SVN || !is_new(&seen, id))
			return false;
		if (id == TCB_CPU_SVN)
			octets(&one, k->cpu_svn, sizeof k->cpu_svn);
		else
			svn = number(&one, TAG_INTEGER);
		if (id == TCB_PCE_SVN)
			k->pce_svn = svn;
		else if (id < TCB_PCE_SVN)
			k->components[id - 1] = (uint8_t)svn;
		if (!rd_done(&one) || (id < TCB_PCE_SVN && svn > UINT8_MAX))
			return false;
	}
	return !all.failed && seen == (1u << (TCB_CPU_SVN + 1)) - 2;
}

/* Dynamic platform, cached keys, SMT: each at most once. */
static bool read_configuration(struct rd *r)
{
	static const uint8_t middle[] = { ID_CONFIGURATION };
	struct rd all = element(r, TAG_SEQUENCE);
	uint32_t seen = 0;

	while (!all.failed && rd_left(&all)) {
		struct rd one = element(&all, TAG_SEQUENCE);
		uint8_t id = arc(&one, middle, sizeof middle);
		struct rd yes = element(&one, TAG_BOOLEAN);
		uint8_t v = rd_u8(&yes);

		if (id < 1 || id > CONFIGURATION_LAST || !is_new(&seen, id) || !rd_done(&yes) ||
		    !rd_done(&one) || (v != 0 && v != UINT8_MAX))
			return false;
	}
	return !all.failed;
}

static bool read_entry(struct rd *one, uint8_t id, struct pck *k)
{
	uint8_t instance[16];
	uint16_t type;

	switch (id) {
	case ID_PPID:
		octets(one, k->ppid, sizeof k->ppid);
		break;
	case ID_TCB:
		if (!read_tcb(one, k))
			return false;
		break;
	case ID_PCE_ID:
		octets(one, k->pce_id, sizeof k->pce_id);
		break;
	case ID_FMSPC:
		octets(one, k->fmspc, sizeof k->fmspc);
		break;
	case ID_SGX_TYPE:
		type = number(one, TAG_ENUM);
		k->sgx_type = (uint8_t)type;
		if (type > 2)
			return false;
		break;
	case ID_INSTANCE:
		octets(one, instance, sizeof instance);
		break;
	case ID_CONFIGURATION:
		if (!read_configuration(one))
			return false;
		break;
	default:
		return false;
	}
	return rd_done(one);
}

int pck_parse(const void *der, size_t n, struct pck *ret)
{
	const uint32_t wanted =
		1u << ID_PPID | 1u << ID_TCB | 1u << ID_PCE_ID | 1u << ID_FMSPC | 1u << ID_SGX_TYPE;
	struct rd r = rd_over(der, n), all = element(&r, TAG_SEQUENCE);
	struct pck k = { .pce_svn = 0 };
	uint32_t seen = 0;

	while (!all.failed && rd_left(&all)) {
		struct rd one = element(&all, TAG_SEQUENCE);
		uint8_t id = arc(&one, NULL, 0);

		if (id < 1 || id > ID_LAST || !is_new(&seen, id) || !read_entry(&one, id, &k))
			return -EINVAL;
	}
	if (all.failed || !rd_done(&r) || (seen & wanted) != wanted)
		return -EINVAL;
	*ret = k;
	return 0;
}
