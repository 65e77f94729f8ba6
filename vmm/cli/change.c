/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"

#include <string.h>

#include "app/changes.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/vm.h"
#include "data/json.h"

enum { TEXT_SIZE = 400, HASH_HEX = 64, HASH_SHOWN = 16 };

/* A hash by its beginning: the whole of it is in --json. */
static const char *shown(const char *text, char ret[static TEXT_SIZE])
{
	size_t n = strlen(text);
	bool is_hash = n == HASH_HEX && strspn(text, "0123456789abcdef") == n;

	return str_escape(ret, TEXT_SIZE, text, is_hash ? HASH_SHOWN : n);
}

static void show_one(const struct cli *c, const struct change *ch, int width)
{
	char from[TEXT_SIZE], to[TEXT_SIZE], field[TEXT_SIZE];

	(void)str_escape(field, sizeof(field), ch->field, strlen(ch->field));
	if (!ch->from)
		cli_say(c, "  %-*s  + %s\n", width, field, shown(ch->to, to));
	else if (!ch->to)
		cli_say(c, "  %-*s  - %s\n", width, field, shown(ch->from, from));
	else
		cli_say(c, "  %-*s  %s -> %s\n", width, field, shown(ch->from, from),
			shown(ch->to, to));
}

void change_show(const struct cli *c, const char *name, const struct changes *changes)
{
	size_t i, width = 0;

	for (i = 0; i < changes->n; i++) {
		if (strlen(changes->list[i].field) > width)
			width = strlen(changes->list[i].field);
	}
	cli_say(c, "%s: %zu change%s\n", name, changes->n, changes->n == 1 ? "" : "s");
	for (i = 0; i < changes->n; i++)
		show_one(c, &changes->list[i], (int)(width < TEXT_SIZE ? width : TEXT_SIZE));
}

int change_apply(const struct cli *c, const struct changes *changes, json_t **vm, struct err *e)
{
	json_t *request = json_deep_copy(changes->request), *now = NULL;
	int rc;

	(void)json_object_set_new(request, "id", json_string(vm_id(*vm)));
	rc = api_call(&c->api, "UpdateVm", request, NULL, e);
	json_decref(request);
	if (rc == 0)
		rc = api_vm(&c->api, vm_id(*vm), 0, &now, e);
	if (rc < 0)
		return err_wrap(e, rc, "%s", vm_name(*vm));
	json_decref(*vm);
	*vm = now;
	return 0;
}

bool change_is_due(const json_t *vm)
{
	return vm_is(vm, "running") && json_get_bool(vm, "is_outdated", false);
}
