/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_env: seal a .env file, so that one app alone can open it */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app_yaml.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/exit.h"
#include "cli/hex_option.h"
#include "cli/kms_call.h"
#include "cli/seal.h"
#include "data/env_text.h"
#include "data/json.h"

enum { HASH_APP_ID = 2 * APP_KEYS_ID, TIME_SIZE = 32 };

/* What the options leave open a YAML says. */
struct request {
	struct app app; /* APP_NULL without --app */
	bool has_app;
	struct env_file *file;
	struct seal_args args;
};

static int read_app_id(const struct cli *c, struct request *q, struct err *e)
{
	const char *written = app_str(&q->app, "app_id");
	char hex[HASH_APP_ID + 1];
	size_t n;
	int rc = hex_option(c, OPT_APP_ID, q->args.rules.app_id, APP_KEYS_ID, APP_KEYS_ID, &n, e);

	if (rc < 0 || n)
		return rc;
	if (!q->has_app)
		return err_set(e, ERR_INPUT,
			       "for which app?  write --app-id HEX --signer HEX, or --app FILE");
	(void)str_format(hex, sizeof(hex), "%.40s", *written ? written : q->app.hash);
	return str_unhex(q->args.rules.app_id, APP_KEYS_ID, hex); /* both were checked */
}

static int read_signer(const struct cli *c, struct request *q, struct err *e)
{
	const char *written = app_str(&q->app, "kms_signer");
	size_t n;
	int rc = hex_option(c, OPT_SIGNER, q->args.rules.signer, K256_PUBLIC, K256_PUBLIC, &n, e);

	if (rc < 0 || n)
		return rc;
	if (*written)
		return str_unhex(q->args.rules.signer, K256_PUBLIC, written);
	return err_set(e, ERR_INPUT,
		       "who must have signed the app's key?  write --signer HEX%s; bailey keys "
		       "shows it",
		       q->has_app ? ", or kms_signer in the app's YAML" : "");
}

static int read_file(const struct cli *c, struct request *q, struct err *e)
{
	int rc;

	if (c->args->n == 0 && q->has_app) {
		rc = env_file_of_app(&q->app, &q->file, e);
		if (rc < 0 || q->file)
			return rc;
	}
	if (c->args->n == 0)
		return err_set(e, ERR_INPUT, "nothing to seal; name a .env file, or - for stdin");
	rc = env_file_read(c->args->operands[0], &q->file, e);
	return rc == 0 && q->has_app ? env_file_check(q->file, &q->app, e) : rc;
}

static int read_request(const struct cli *c, struct request *q, struct err *e)
{
	int rc = 0;

	q->args.kms = c->args->options[OPT_KMS];
	q->args.rules.allow_untimed = args_has(c->args, OPT_ALLOW_UNTIMED);
	q->has_app = args_has(c->args, OPT_APP);
	if (q->has_app)
		rc = app_load(c->args->options[OPT_APP], &q->app, e);
	if (rc == 0)
		rc = read_app_id(c, q, e);
	if (rc == 0)
		rc = read_signer(c, q, e);
	if (rc == 0)
		rc = read_file(c, q, e);
	q->args.kms_urls = q->has_app ? app_get(&q->app, "kms_urls") : NULL;
	return rc;
}

static const char *out_of(const struct cli *c)
{
	const char *file = c->args->options[OPT_OUTPUT];

	return file && !str_equal(file, "-") ? file : NULL;
}

static int write_out(const struct cli *c, const struct sealed *s, struct err *e)
{
	const char *file = out_of(c);

	if (file)
		return file_replace(AT_FDCWD, file, 0600, s->bytes.p, s->bytes.n, e);
	if (!c->wants_json)
		(void)fwrite(s->bytes.p, 1, s->bytes.n, stdout);
	return 0;
}

static json_t *names_of(const struct env_file *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->vars->n; i++)
		(void)json_array_append_new(list, json_string(f->vars->vars[i].name));
	return list;
}

static void tell_json(const struct request *q, const struct sealed *s, const char *file)
{
	char app_id[HASH_APP_ID + 1], signer[2 * K256_PUBLIC + 1];
	auto_free char *hex = xcalloc(1, 2 * s->bytes.n + 1);
	json_t *j;

	str_hex(app_id, q->args.rules.app_id, APP_KEYS_ID);
	str_hex(signer, q->args.rules.signer, K256_PUBLIC);
	str_hex(hex, s->bytes.p, s->bytes.n);
	j = json_pack("{s:s, s:s, s:I, s:o, s:I}", "app_id", app_id, "signer", signer, "signed_at",
		      (json_int_t)s->signed_at, "variables", names_of(q->file), "size",
		      (json_int_t)s->bytes.n);
	(void)json_object_set_new(j, file ? "file" : "sealed", json_text(file ? file : hex));
	cli_json(j);
	json_decref(j);
}

static void tell(const struct cli *c, const struct request *q, const struct sealed *s)
{
	char app_id[HASH_APP_ID + 1], at[TIME_SIZE] = "a time that it does not say";
	const char *file = out_of(c);

	if (c->wants_json)
		tell_json(q, s, file);
	if (!file) /* the bytes are on stdout */
		return;
	str_hex(app_id, q->args.rules.app_id, APP_KEYS_ID);
	if (s->signed_at)
		(void)time_rfc3339(at, sizeof(at), s->signed_at);
	cli_say(c,
		"sealed %zu variable%s for app %s, to the key that its KMS signed at %s: %zu bytes "
		"in %s\n",
		q->file->vars->n, q->file->vars->n == 1 ? "" : "s", app_id, at, s->bytes.n, file);
}

static int seal(const struct cli *c, struct request *q, struct err *e)
{
	struct sealed s = { .signed_at = 0 };
	int rc = read_request(c, q, e);

	if (rc == 0 && !out_of(c) && !c->wants_json && isatty(STDOUT_FILENO))
		rc = err_set(e, ERR_INPUT, "sealed bytes are not for a terminal; write -o FILE");
	if (rc == 0 && q->args.kms)
		rc = kms_call_check(q->args.kms, e);
	if (rc == 0)
		rc = seal_env(c, &q->args, q->file, &s, e);
	if (rc == 0)
		rc = write_out(c, &s, e);
	if (rc == 0)
		tell(c, q, &s);
	buf_deinit(&s.bytes);
	return rc;
}

int cmd_env_seal(struct cli *c, struct err *e)
{
	struct request q = { .app = APP_NULL };
	int rc = seal(c, &q, e);

	env_file_free(q.file);
	app_deinit(&q.app);
	return rc;
}
