/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_folder.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/image.h"

static const char images[] = "/var/lib/bailey/image";

struct place {
	char store[PATH_MAX], name[PATH_MAX];
};

/* The folder that holds @path, and the name in it: "image/a/" is "a" of "image". */
static int place_of(const char *path, struct place *ret, struct err *e)
{
	size_t n = strlen(path);
	const char *slash, *name = path;

	while (n > 1 && path[n - 1] == '/')
		n--;
	slash = memrchr(path, '/', n);
	if (slash)
		name = slash + 1;
	if (str_format(ret->name, PATH_MAX, "%.*s", (int)(path + n - name), name) < 0 ||
	    str_format(ret->store, PATH_MAX, "%.*s", slash ? (int)(name - path) : 1,
		       slash ? path : ".") < 0)
		return err_set(e, ERR_INPUT, "the path %.200s... is too long", path);
	return 0;
}

static int load(const char *path, struct image **ret, struct err *e)
{
	auto_free struct place *place = xnew(struct place);
	int rc = place_of(path, place, e);

	return rc < 0 ? rc : image_load(place->store, place->name, ret, e);
}

int image_folder_load(const char *path, struct image **ret, struct err *e)
{
	char real
		[PATH_MAX]; /* "." has no name; a path that is not there keeps its own, for the message */
	int rc;

	if (realpath(path, real))
		rc = load(real, ret, e);
	else if (!strchr(path, '/') && image_name_is_valid(path))
		rc = image_load(images, path, ret, e);
	else
		rc = load(path, ret, e);
	return rc < 0 ? err_wrap(e, rc, "%s", path) : 0;
}
