/* SPDX-License-Identifier: Apache-2.0 */
/* check_images: the guest images of the state folder */
#include "check/check_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/image.h"

struct looked {
	size_t n_bad;
	struct err first; /* of the bad ones */
};

static void skipped(void *arg, const char *name, const struct err *why)
{
	struct looked *l = arg;

	if (l->n_bad++ == 0)
		(void)err_set(&l->first, why->code, "%.60s: %.200s", name, why->text);
}

static void load(const struct check_host *h, struct image ***ret, size_t *ret_n, struct looked *l)
{
	const char *dir = check_fact(h, "image");
	char path[PATH_MAX];
	struct err e = ERR_NONE;

	*ret = NULL;
	*ret_n = 0;
	(void)check_path(h, *dir ? dir : "/var/lib/bailey/image", path);
	if (image_list(path, ret, ret_n, skipped, l, &e) < 0)
		skipped(l, path, &e);
}

void check_images(const struct check_host *h, struct check_row *r)
{
	const char *dir = check_fact(h, "image");
	struct looked l = { .n_bad = 0 };
	struct image **list;
	struct err e;
	size_t i, n;

	load(h, &list, &n, &l);
	for (i = 0; i < n; i++) {
		e = ERR_NONE;
		if (image_check(list[i], NULL, &e) < 0)
			skipped(&l, list[i]->name, &e);
	}
	if (l.n_bad)
		check_bad(r, n > l.n_bad ? CHECK_WARN : CHECK_MISSING,
			  "fetch it again (bailey image pull), or remove its folder",
			  "%zu of %zu cannot be used; %.180s", l.n_bad, n > l.n_bad ? n : l.n_bad,
			  l.first.text);
	else if (!n)
		check_bad(r, CHECK_MISSING,
			  "bailey image pull, or build one (guest-stub/image/build) and put its "
			  "folder there",
			  "no image in %.180s", *dir ? dir : "/var/lib/bailey/image");
	else
		check_ok(r, "%zu, sums are right", n);
	image_list_free(list, n);
}

void check_images_tdx(const struct check_host *h, struct check_row *r)
{
	struct looked l = { .n_bad = 0 };
	struct image **list;
	size_t i, n, n_with = 0;

	load(h, &list, &n, &l);
	for (i = 0; i < n; i++)
		n_with += list[i]->bios != NULL;
	if (n_with)
		check_ok(r, "%zu of %zu", n_with, n);
	else
		check_bad(r, CHECK_MISSING,
			  "use an image whose metadata.json names a bios (OVMF built for TDX)",
			  "no image has firmware");
	image_list_free(list, n);
}
