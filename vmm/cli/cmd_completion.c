/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion: a shell's completion, and the names that it asks for */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/vm.h"

enum { SCRIPT_MAX = 256 * 1024 };

int cmd_completion_bash(struct cli *c, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(SCRIPT_MAX);
	int rc = completion_bash(cli_commands, &b);

	(void)c;
	if (rc < 0)
		return err_set(e, rc, "the script is too long");
	(void)fwrite(b.p, 1, b.n, stdout);
	return 0;
}

/* What a shell would read as more than one word, or as a command, is not completed. */
static void print_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-+@";

	if (*name && strspn(name, plain) == strlen(name))
		(void)puts(name);
}

int cmd_completion_vms(struct cli *c, struct err *e)
{
	json_t *vms = NULL, *vm;
	size_t i;
	int rc = api_vms(&c->api, 1, &vms, e);

	if (rc < 0)
		return rc;
	json_array_foreach(vms, i, vm)
		print_name(vm_name(vm));
	json_decref(vms);
	return 0;
}

int cmd_completion_images(struct cli *c, struct err *e)
{
	json_t *reply = NULL, *image;
	size_t i;
	int rc = api_call(&c->api, "ListImages", NULL, &reply, e);

	if (rc < 0)
		return rc;
	json_array_foreach(json_object_get(reply, "images"), i, image)
		print_name(vm_str(image, "name"));
	json_decref(reply);
	return 0;
}
