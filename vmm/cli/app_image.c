/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/hex_option.h"
#include "data/sys_vm_config.h"
#include "measure/image_measure.h"
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

/* What ERR_INPUT says is of the machine: a file that is wrong would not have the image's sums. */
static int measure_as(struct app_image *i, const struct cli *c, const struct sys_vm_config *vm)
{
	struct image_measure_args args = { .source = { .qemu = c->args->options[OPT_QEMU] } };
	int rc = machine_of(vm, &args.machine, &i->why);

	if (rc < 0)
		return rc;
	return i->im ? image_measure(i->im, &args, &i->measurement, NULL, &i->why)
		     : image_measure_lite(vm, &args, &i->measurement, NULL, &i->why);
}

/* Registers are computed for an image that is whole: of another none would say anything. */
static void measure(struct app_image *i, const struct cli *c, const char *vm_config)
{
	struct sys_vm_config vm;
	json_t *doc = NULL;
	int rc = ERR_MISSING;

	i->why = ERR_NONE;
	if (i->fault.code)
		(void)err_set(&i->why, rc, "the image is not as its builder left it");
	else if (!vm_config)
		(void)err_set(&i->why, rc, "the evidence has no vm_config to compute it from");
	else
		rc = sys_vm_config_parse(vm_config, strlen(vm_config), &doc, &vm, &i->why);
	if (rc == 0)
		rc = measure_as(i, c, &vm);
	i->has_measurement = rc == 0;
	i->is_config_fault = rc == ERR_INPUT || rc == ERR_LIMIT;
	json_decref(doc);
}

static int by_hash(const struct cli *c, struct app_image *i, struct err *e)
{
	uint8_t digest[(APP_IMAGE_HASH_SIZE - 1) / 2];
	size_t n;
	int rc = hex_option(c, OPT_IMAGE_HASH, digest, sizeof(digest), sizeof(digest), &n, e);

	if (rc == 0 && n > 0)
		str_hex(i->hash, digest, n);
	return rc < 0 ? rc : n > 0;
}

static int by_folder(const char *path, struct app_image *i, struct err *e)
{
	char named[APP_IMAGE_HASH_SIZE];
	int rc = load(path, &i->im, e);

	if (rc < 0)
		return rc == ERR_INPUT ? rc : err_wrap(e, ERR_INPUT, "--image");
	(void)image_check(i->im, NULL, &i->fault);
	(void)str_copy(named, sizeof(named), i->hash);
	(void)str_copy(i->hash, sizeof(i->hash), i->im->digest);
	if (*named && !i->fault.code && !str_equal(named, i->hash))
		(void)err_set(&i->fault, ERR_CORRUPT, "it is %.16s..., not %.16s...", i->hash,
			      named);
	return 1;
}

int app_image_read(const struct cli *c, const char *vm_config, struct app_image *ret, struct err *e)
{
	const char *path = c->args->options[OPT_IMAGE];
	struct app_image i = { .im = NULL };
	int rc;

	i.fault = ERR_NONE;
	rc = by_hash(c, &i, e);
	if (rc >= 0 && path)
		rc = by_folder(path, &i, e);
	if (rc <= 0) {
		image_free(i.im);
		return rc;
	}
	measure(&i, c, vm_config);
	*ret = i;
	return 1;
}

void app_image_deinit(struct app_image *i)
{
	image_free(i->im);
	i->im = NULL;
}
