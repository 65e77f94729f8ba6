/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/image_shelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "kms/config.h"
#include "measure/image_measure.h"
#include "store/image.h"
#include "tee/app_evidence.h"
#include "tee/measure.h"
#include "tee/peer_verify.h"

struct entry {
	struct digest256 key;
	uint8_t os_image_hash[32];
	struct measurement m;
	uint64_t asked; /* a count; 0: free */
};

struct image_shelf {
	const struct kms_config *c;
	char cache[300]; /* of ACPI tables */
	struct image_cache *checked;
	pthread_mutex_t lock; /* of what follows */
	struct entry entries[IMAGE_SHELF_MAX];
	uint64_t n_asked;
};

struct image_shelf *image_shelf_new(const struct kms_config *c)
{
	struct image_shelf *s = xnew(struct image_shelf);

	s->c = c;
	s->checked = image_cache_new();
	(void)str_format(s->cache, sizeof(s->cache), "%s/acpi", c->state);
	(void)pthread_mutex_init(&s->lock, NULL);
	return s;
}

void image_shelf_free(struct image_shelf *s)
{
	if (!s)
		return;
	image_cache_free(s->checked);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* The image of that digest, whole.  Return: 0; ERR_NOT_FOUND, others. */
static int find_image(const struct image_shelf *s, const struct sys_vm_config *vm,
		      struct image **ret, struct err *e)
{
	char hex[2 * sizeof(vm->os_image_hash) + 1];
	struct image **list = NULL;
	size_t n = 0, i;
	int rc = image_list(s->c->images, &list, &n, NULL, NULL, e);

	if (rc < 0)
		return rc;
	str_hex(hex, vm->os_image_hash, sizeof(vm->os_image_hash));
	rc = ERR_NOT_FOUND;
	for (i = 0; i < n && rc == ERR_NOT_FOUND; i++) {
		if (!str_equal(list[i]->digest, hex))
			continue;
		rc = image_check(list[i], s->checked, e);
		if (rc == 0) {
			*ret = list[i];
			list[i] = NULL;
		}
	}
	image_list_free(list, n);
	if (rc == ERR_NOT_FOUND)
		(void)err_set(e, rc, "there is no image %.16s... in %s", hex, s->c->images);
	return rc;
}

static int of_files(struct image_shelf *s, const struct peer *p,
		    const struct image_measure_args *args, struct measurement *ret, struct err *e)
{
	struct image *im = NULL;
	int rc = find_image(s, &p->vm, &im, e);

	if (rc == 0)
		rc = image_measure(im, args, ret, NULL, e);
	image_free(im);
	return rc;
}

/* The document costs nothing; files are for machines that it does not fit. */
static int compute(struct image_shelf *s, const struct peer *p, struct measurement *ret,
		   struct err *e)
{
	struct image_measure_args args = { .source = { s->c->qemu, s->cache } };
	struct measure_acpi acpi;
	int rc = machine_of(&p->vm, &args.machine, e);

	if (rc == 0 && !s->c->acpi_computed) {
		rc = peer_acpi(p, &acpi, e);
		args.acpi = &acpi;
	}
	if (rc < 0)
		return rc;
	if (s->c->acpi_computed)
		rc = image_measure_lite(&p->vm, &args, ret, NULL, e);
	else
		rc = peer_measure(p, args.machine.two_pass, ret, e);
	if (rc < 0 && s->c->images)
		rc = of_files(s, p, &args, ret, e);
	return rc;
}

/* All that the result is made of. */
static struct digest256 key_of(const struct image_shelf *s, const struct peer *p)
{
	struct measure_acpi acpi = { .loader = { { 0 } } };
	const struct digest_part parts[] = {
		{ p->vm.os_image_hash, sizeof(p->vm.os_image_hash) },
		{ &acpi, sizeof(acpi) },
		{ p->evidence->vm_config, strlen(p->evidence->vm_config) },
	};

	if (!s->c->acpi_computed)
		(void)peer_acpi(p, &acpi, NULL);
	return digest256_of(parts, 3);
}

static bool get(struct image_shelf *s, const struct digest256 *key, struct measurement *ret)
{
	bool found = false;
	size_t i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < IMAGE_SHELF_MAX && !found; i++) {
		struct entry *x = &s->entries[i];

		found = x->asked && memcmp(x->key.b, key->b, sizeof(key->b)) == 0;
		if (found) {
			x->asked = ++s->n_asked;
			*ret = x->m;
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

static void put(struct image_shelf *s, const struct digest256 *key, const struct peer *p,
		const struct measurement *m)
{
	struct entry *oldest = &s->entries[0];
	size_t i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < IMAGE_SHELF_MAX; i++) {
		if (s->entries[i].asked < oldest->asked)
			oldest = &s->entries[i];
	}
	*oldest = (struct entry){ .key = *key, .m = *m, .asked = ++s->n_asked };
	memcpy(oldest->os_image_hash, p->vm.os_image_hash, sizeof(oldest->os_image_hash));
	(void)pthread_mutex_unlock(&s->lock);
}

int image_shelf_measure(struct image_shelf *s, const struct peer *p, struct measurement *ret,
			struct err *e)
{
	struct digest256 key = key_of(s, p);
	int rc;

	if (get(s, &key, ret))
		return 0;
	rc = compute(s, p, ret, e);
	if (rc == 0)
		put(s, &key, p, ret);
	return rc;
}

void image_shelf_clear(struct image_shelf *s, const void *os_image_hash)
{
	size_t i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < IMAGE_SHELF_MAX; i++) {
		struct entry *x = &s->entries[i];

		if (!os_image_hash ||
		    memcmp(x->os_image_hash, os_image_hash, sizeof(x->os_image_hash)) == 0)
			x->asked = 0;
	}
	(void)pthread_mutex_unlock(&s->lock);
}
