/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_image: guest images, and the versions of both programs */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/image_folder.h"
#include "cli/table.h"
#include "cli/vm.h"
#include "data/json.h"
#include "store/image.h"

static const struct table_column columns[] = {
	{ "NAME", true },
	{ "VERSION", false },
	{ "KIND", false },
	{ NULL, false },
};

static void put_image(struct table *t, const json_t *image)
{
	table_cell(t, COLOUR_NONE, "%s", vm_str(image, "name"));
	table_cell(t, COLOUR_NONE, "%s", vm_str(image, "version"));
	table_cell(t, COLOUR_NONE, "%s",
		   json_get_bool(image, "is_dev", 0) ? "development" : "production");
}

int cmd_image_ls(struct cli *c, struct err *e)
{
	if (args_has(c->args, OPT_REGISTRY))
		return registry_show(c, e);
	return cli_images(c, "ListImages", columns, put_image, "no images", e);
}

static int check_one(struct cli *c, const char *path, struct err *e)
{
	struct image *im = NULL;
	json_t *j;
	int rc = image_folder_load(path, &im, e);

	if (rc == 0) {
		rc = image_check(im, NULL, e);
		if (rc < 0)
			(void)err_wrap(e, rc, "%s", path);
	}
	if (rc == 0 && c->wants_json) {
		j = json_pack("{s:s, s:s, s:s, s:b}", "name", im->name, "version", im->version_text,
			      "digest", im->digest, "ok", 1);
		cli_json(j);
		json_decref(j);
	} else if (rc == 0) {
		(void)printf("%s: good, digest %s\n", im->name, im->digest);
	}
	image_free(im);
	return rc;
}

int cmd_image_check(struct cli *c, struct err *e)
{
	return cli_each(c, check_one, e);
}

int cmd_version(struct cli *c, struct err *e)
{
	json_t *reply = NULL, *j;
	const char *rev;
	int rc;

	if (!c->wants_json)
		(void)puts("bailey  " BAILEY_VERSION);
	rc = api_call(&c->api, "Version", NULL, &reply, e);
	rev = vm_str(reply, "rev");
	if (c->wants_json) {
		j = json_pack("{s:s, s:o}", "bailey", BAILEY_VERSION, "baileyd",
			      rc == 0 ? json_incref(reply) : json_null());
		cli_json(j);
		json_decref(j);
	} else if (rc == 0) {
		/* dstack's clients probe "version", so that is the level of its API; ours is in "rev" */
		(void)printf("baileyd %s, API of dstack %s\n",
			     rev + (str_starts(rev, "bailey:") ? strlen("bailey:") : 0),
			     vm_str(reply, "version"));
	}
	json_decref(reply);
	return rc;
}
