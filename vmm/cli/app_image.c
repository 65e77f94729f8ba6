/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/image.h"

/* The folder as the store has it: where it is, and its name. */
static int load(const char *path, struct image **ret, struct err *e)
{
	auto_free char *real = realpath(path, NULL);
	char *slash;

	if (!real)
		return err_set(e, ERR_INPUT, "--image: there is no folder \"%.200s\"", path);
	slash = strrchr(real, '/');
	if (slash == real || !slash[1])
		return err_set(e, ERR_INPUT, "--image: \"%.200s\" is no image", path);
	*slash = '\0';
	return image_load(real, slash + 1, ret, e);
}

/* Registers are computed for an image that is whole: of another none would say anything. */
static void measure(struct app_image *i, const char *vm_config)
{
	if (i->fault.code)
		(void)err_set(&i->why, ERR_CORRUPT, "the image is not as its builder left it");
	else if (!vm_config)
		(void)err_set(&i->why, ERR_MISSING,
			      "the evidence has no vm_config to compute it from");
	else
		(void)err_set(&i->why, ERR_MISSING, "it cannot be computed here");
}

int app_image_read(const char *path, const char *vm_config, struct app_image *ret, struct err *e)
{
	struct app_image i = { .im = NULL };
	int rc = load(path, &i.im, e);

	if (rc < 0)
		return rc == ERR_INPUT ? rc : err_wrap(e, ERR_INPUT, "--image");
	i.fault = ERR_NONE;
	(void)image_check(i.im, NULL, &i.fault);
	measure(&i, vm_config);
	*ret = i;
	return 0;
}

void app_image_deinit(struct app_image *i)
{
	image_free(i->im);
	i->im = NULL;
}
