/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/seal_app.h"

#include <string.h>

#include "app/app_yaml.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/seal.h"
#include "cli/seal_note.h"
#include "cli/vm.h"
#include "data/json.h"

/* Which app this will be: what its owner wrote, or the beginning of its compose hash. */
static void own_id(const struct app *a, uint8_t ret[static APP_KEYS_ID])
{
	char hex[2 * APP_KEYS_ID + 1];
	const char *written = app_str(a, "app_id");

	(void)str_format(hex, sizeof(hex), "%.40s", *written ? written : a->hash);
	(void)str_unhex(ret, APP_KEYS_ID, hex); /* both were checked */
}

static int find_id(const struct app *a, const json_t *vm, const struct seal_note *note,
		   uint8_t ret[static APP_KEYS_ID], struct err *e)
{
	uint8_t told[APP_KEYS_ID];

	if (note && !*app_str(a, "app_id"))
		memcpy(ret, note->app_id, APP_KEYS_ID);
	else
		own_id(a, ret);
	if (!vm)
		return 0;
	if (str_unhex(told, sizeof(told), vm_str(vm, "app_id")) == 0 &&
	    memcmp(told, ret, sizeof(told)) == 0)
		return 0;
	return app_error(a, "env_file", e,
			 "baileyd says that this VM's app id is %.40s, and nothing here says so; "
			 "if it is yours, write app_id: \"%.40s\"",
			 vm_str(vm, "app_id"), vm_str(vm, "app_id"));
}

static void fill_signer(const struct app *a, uint8_t ret[static K256_PUBLIC])
{
	(void)str_unhex(ret, K256_PUBLIC, app_str(a, "kms_signer")); /* was checked */
}

static int seal(const struct cli *c, struct app *a, const struct env_file *f,
		struct seal_args *args, struct err *e)
{
	struct sealed s = { .signed_at = 0 };
	int rc;

	args->kms_urls = app_get(a, "kms_urls");
	args->rules.allow_untimed = args_has(c->args, OPT_ALLOW_UNTIMED);
	rc = seal_env(c, args, f, &s, e);
	if (rc < 0)
		return err_wrap(e, rc, "%s: env_file", a->file);
	a->sealed = xcalloc(1, 2 * s.bytes.n + 1);
	str_hex(a->sealed, s.bytes.p, s.bytes.n);
	buf_deinit(&s.bytes);
	return 0;
}

int seal_app(const struct cli *c, struct app *a, const struct env_file *f, const json_t *vm,
	     struct err *e)
{
	const char *there = vm ? vm_str(vm_configuration(vm), "encrypted_env") : "";
	struct seal_args args = { .kms = NULL };
	struct seal_note note;
	bool is_noted = vm && f && seal_note_read(vm_id(vm), app_str(a, "name"), &note);
	int rc;

	if (!f)
		return 0;
	rc = find_id(a, vm, is_noted ? &note : NULL, args.rules.app_id, e);
	if (rc < 0)
		return rc;
	fill_signer(a, args.rules.signer);
	free(a->sealed); /* of a try before this one */
	a->sealed = NULL;
	if (is_noted && seal_note_holds(&note, f, there, args.rules.signer))
		a->sealed = xstrdup(there);
	else
		rc = seal(c, a, f, &args, e);
	if (is_noted)
		secret_wipe(&note, sizeof(note));
	return rc;
}

void seal_app_note(const struct cli *c, const struct app *a, const struct env_file *f,
		   const char *id)
{
	struct seal_note note = { .name = "" }, was;
	struct err e = ERR_NONE;

	if (!f || !a->sealed)
		return;
	own_id(a, note.app_id);
	if (!*app_str(a, "app_id") && seal_note_read(id, app_str(a, "name"), &was))
		memcpy(note.app_id, was.app_id, sizeof(was.app_id));
	fill_signer(a, note.signer);
	(void)str_copy(note.name, sizeof(note.name), app_str(a, "name"));
	seal_note_take(&note, f, a->sealed);
	if (seal_note_write(id, &note, &e) < 0)
		cli_say(c, "%s: what was sealed cannot be noted (%s), so the next up seals anew\n",
			app_str(a, "name"), e.text);
	secret_wipe(&note, sizeof(note));
}
