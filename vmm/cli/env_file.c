/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/env_file.h"

#include <string.h>
#include <sys/stat.h>

#include "app/app_yaml.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/input.h"
#include "data/app_compose.h"
#include "data/env_text.h"

enum { SHOWN = 200, NAMES_SHOWN = 300 };

void env_file_free(struct env_file *f)
{
	if (!f)
		return;
	secret_buf_deinit(&f->text);
	secret_buf_deinit(&f->plain);
	free(f->vars);
	free(f->path);
	free(f);
}

DEFINE_AUTO(struct env_file *, env_file, env_file_free);
#define auto_env_file __attribute__((cleanup(auto_env_file_fn)))

static bool is_exposed(const char *path)
{
	struct stat st;

	return !str_equal(path, "-") && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & (S_IRGRP | S_IROTH));
}

static int make_plain(struct env_file *f, struct err *e)
{
	int rc = secret_buf_init(&f->plain, env_text_json_size(f->vars));

	if (rc == 0)
		rc = env_text_json(f->vars, &f->plain);
	if (rc < 0)
		return err_set(e, rc, "%s: no memory for what is sealed", f->path);
	if (f->plain.n > ENV_FILE_PLAIN_MAX) {
		return err_set(e, ERR_INPUT,
			       "%s: names and values are %zu bytes to be sealed, and a guest takes "
			       "%d",
			       f->path, f->plain.n, ENV_FILE_PLAIN_MAX);
	}
	return 0;
}

int env_file_read(const char *path, struct env_file **ret, struct err *e)
{
	auto_env_file struct env_file *f = xnew(struct env_file);
	char shown[SHOWN];
	int rc;

	f->path = xstrdup(str_equal(path, "-")
				  ? "stdin"
				  : str_escape(shown, sizeof(shown), path, strlen(path)));
	f->vars = xnew(struct env_text);
	f->is_exposed = is_exposed(path);
	rc = input_read(path, ENV_TEXT_MAX, &f->text, e);
	if (rc < 0)
		return rc;
	rc = env_text_parse((char *)f->text.p, f->text.n, f->vars, e);
	if (rc < 0) { /* "PATH:LINE: ..." */
		struct err why = *e;

		(void)err_set(e, rc, "%s:%s", f->path, why.text);
		return rc;
	}
	rc = make_plain(f, e);
	if (rc == 0)
		*ret = steal_ptr(&f);
	return rc;
}

static bool is_allowed(const struct app_compose *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->allowed_envs.n; i++) {
		if (str_equal(c->allowed_envs.p[i], name))
			return true;
	}
	return false;
}

/* All the names of the file, as one would write them; "" if they are too many. */
static void list_names(const struct env_text *t, char ret[static NAMES_SHOWN])
{
	size_t i, at = 0;
	int n;

	for (i = 0; i < t->n; i++) {
		n = str_format(ret + at, NAMES_SHOWN - at, "%s%s", i ? ", " : "", t->vars[i].name);
		if (n < 0) {
			*ret = 0;
			return;
		}
		at += (size_t)n;
	}
	ret[at] = 0;
}

static int check_names(const struct env_file *f, const struct app *a, const struct app_compose *c,
		       struct err *e)
{
	const char *key = app_get(a, "compose_file") ? "its compose's allowed_envs" : "env";
	char names[NAMES_SHOWN];
	size_t i;

	for (i = 0; i < f->vars->n && is_allowed(c, f->vars->vars[i].name);)
		i++;
	if (i == f->vars->n)
		return 0;
	list_names(f->vars, names);
	return err_set(e, ERR_INPUT, "%s:%u: %s is not in %s of %s%s%s%s", f->path,
		       f->vars->vars[i].line, f->vars->vars[i].name, key, a->file,
		       *names ? "; write env: [ " : "; write it there", names, *names ? " ]" : "");
}

int env_file_check(const struct env_file *f, const struct app *a, struct err *e)
{
	struct app_compose *c = NULL;
	int rc = app_compose_parse(a->compose, strlen(a->compose), &c, e);

	if (rc < 0)
		return rc;
	if (c->key_provider == APP_KEY_PROVIDER_KMS)
		rc = check_names(f, a, c, e);
	else
		rc = app_error(a, "compose_file", e,
			       "its app-compose.json has no KMS, so there is no key to seal to");
	app_compose_free(c);
	return rc;
}

/* Beside the YAML, as every file that it names. */
int env_file_path(const struct app *a, char ret[static ENV_FILE_PATH_MAX], struct err *e)
{
	const char *name = app_str(a, "env_file"), *slash = strrchr(a->file, '/');
	int n = *name == '/' || !slash ? str_copy(ret, ENV_FILE_PATH_MAX, name)
				       : str_format(ret, ENV_FILE_PATH_MAX, "%.*s%s",
						    (int)(slash - a->file + 1), a->file, name);

	return n < 0 ? app_error(a, "env_file", e, "the path is too long") : 0;
}

int env_file_of_app(const struct app *a, struct env_file **ret, struct err *e)
{
	auto_env_file struct env_file *f = NULL;
	char path[ENV_FILE_PATH_MAX];
	struct err why = ERR_NONE;
	int rc;

	if (!*app_str(a, "env_file"))
		return 0;
	rc = env_file_path(a, path, e);
	if (rc < 0)
		return rc;
	if (str_equal(path, "-")) /* a file's name here */
		(void)str_copy(path, sizeof(path), "./-");
	(void)env_file_read(path, &f, &why);
	if (!f)
		return app_error(a, "env_file", e, "%s", why.text);
	rc = env_file_check(f, a, e);
	if (rc == 0)
		*ret = steal_ptr(&f);
	return rc;
}
