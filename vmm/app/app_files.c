/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "app/app_yaml.h"
#include "data/json.h"

/* The text that each file stands for: one key of the same map. */
struct pair {
	const char *text, *file;
};

static const struct pair app_pairs[] = {
	{ "script", "script_file" },
	{ "docker_compose", "docker_compose_file" },
	{ "pre_launch", "pre_launch_file" },
};
static const struct pair user_config = { "user_config", "user_config_file" };

/* What app-compose.json is made of: nothing of it may stand beside a ready one. */
static const char *const compose_keys[] = {
	"app",	   "key_provider",	"key_provider_id", "key_provider_unpinned",
	"gateway", "port_policy",	"ready_port",	   "public",
	"env",	   "instance_id",	"secure_time",	   "storage_fs",
	"swap",	   "event_log_version",
};

/* Where files are read: a folder, or what was attached. */
struct source {
	int dirfd; /* -1: there is none */
	const json_t *attached;
};

static int not_attached(const struct app *a, const char *path, const char *name, struct err *e)
{
	char key[64];
	size_t n = strlen(path) - strlen("_file");

	if (str_equal(path, "compose_file"))
		return app_error(a, path, e,
				 "\"%.200s\" is a file, and it is not attached; attach it", name);
	(void)str_format(key, sizeof(key), "%.*s", (int)n, path);
	return app_error(
		a, path, e,
		"\"%.200s\" is a file, and it is not attached; attach it, or write its text "
		"as %s",
		name, key);
}

static int read_attached(const struct app *a, const struct source *from, const char *path,
			 const char *name, struct buf *ret, struct err *e)
{
	const json_t *text = json_object_get(from->attached, name);

	if (!json_is_string(text))
		return not_attached(a, path, name, e);
	if (json_string_length(text) > APP_FILE_MAX)
		return app_error(a, path, e, "\"%.200s\" is larger than %d MiB", name,
				 APP_FILE_MAX >> 20);
	ret->max = APP_FILE_MAX + 1; /* and the NUL that ends it */
	return buf_add(ret, json_string_value(text), json_string_length(text));
}

static int read_file(const struct app *a, int dirfd, const char *path, const char *name,
		     struct buf *ret, struct err *e)
{
	struct err why = ERR_NONE;
	int rc = file_read(dirfd, name, APP_FILE_MAX, ret, &why);

	if (rc == 0 || rc == -ENOMEM)
		return rc;
	if (rc == -EFBIG)
		return app_error(a, path, e, "\"%.200s\" is larger than %d MiB", name,
				 APP_FILE_MAX >> 20);
	if (rc == -ELOOP)
		return app_error(a, path, e, "\"%.200s\" is a symbolic link; name the file itself",
				 name);
	return app_error(a, path, e, "\"%.200s\" cannot be read: %s", name, strerror(-rc));
}

static int read_text(const struct app *a, const struct source *from, const char *path,
		     const char *name, struct buf *ret, struct err *e)
{
	int rc = from->dirfd < 0 ? read_attached(a, from, path, name, ret, e)
				 : read_file(a, from->dirfd, path, name, ret, e);

	if (rc < 0)
		return rc;
	if (!str_is_utf8(ret->p, ret->n) || (ret->n && memchr(ret->p, 0, ret->n)))
		return app_error(a, path, e, "\"%.200s\" is not text (UTF-8)", name);
	return 0;
}

/* After a mistake: put something there, so that no other check tells that it is missing. */
static int stand_in(const struct app *a, json_t *map, const char *key, int rc)
{
	if (a->faults && rc == ERR_INPUT)
		(void)json_object_set_new(map, key, json_string(""));
	return rc;
}

/* @map is at @prefix ("app.") in the document. */
static int read_pair(struct app *a, const struct source *from, json_t *map, const char *prefix,
		     const struct pair *pair, struct err *e)
{
	const char *name = json_string_value(json_object_get(map, pair->file));
	auto_buf struct buf text = BUF_MAX(0);
	char path[64];
	int rc;

	if (!name)
		return 0;
	(void)str_format(path, sizeof(path), "%s%s", prefix, pair->file);
	if (json_object_get(map, pair->text))
		return app_error(a, path, e, "%s is written too; write one of them", pair->text);
	rc = read_text(a, from, path, name, &text, e);
	if (rc < 0)
		return stand_in(a, map, pair->text, rc);
	return json_object_set_new(map, pair->text,
				   json_stringn(text.p ? (char *)text.p : "", text.n))
		       ? -ENOMEM
		       : 0;
}

static int read_compose(struct app *a, const struct source *from, struct err *e)
{
	const char *name = app_str(a, "compose_file");
	auto_buf struct buf text = BUF_MAX(0);
	size_t i;
	int rc = 0, one;

	if (!*name)
		return 0;
	for (i = 0; i < sizeof(compose_keys) / sizeof(compose_keys[0]); i++) {
		if (conf_line(a->doc, compose_keys[i]) == 0)
			continue;
		rc = app_error(a, compose_keys[i], e,
			       "is not used beside compose_file; remove one of them");
		if (!a->faults)
			return rc;
	}
	one = read_text(a, from, "compose_file", name, &text, e);
	if (one == 0)
		a->compose = buf_take_str(&text);
	return one < 0 ? one : rc;
}

/* Sealed: bytes that only the app can read.  What is not sealed must not come here: we may be its host. */
static int read_sealed(struct app *a, const struct source *from, struct err *e)
{
	const char *name = app_str(a, "env_sealed");
	auto_buf struct buf bytes = BUF_MAX(0);
	int rc;

	a->leaves_env = from->dirfd < 0;
	if (a->leaves_env && (*name || app_get(a, "env_file"))) {
		return app_error(a, *name ? "env_sealed" : "env_file", e,
				 "is for bailey up on your own machine; remove it here");
	}
	if (!*name)
		return 0;
	rc = read_file(a, from->dirfd, "env_sealed", name, &bytes, e);
	if (rc < 0)
		return rc;
	if (bytes.n < APP_SEALED_MIN || bytes.n > APP_SEALED_MAX) {
		return app_error(a, "env_sealed", e,
				 "\"%.200s\" has %zu bytes and is not what bailey env seal writes",
				 name, bytes.n);
	}
	a->sealed = xcalloc(1, 2 * bytes.n + 1);
	str_hex(a->sealed, bytes.p, bytes.n);
	return 0;
}

static void worse(int *rc, int one)
{
	if (one < 0 && (*rc == 0 || *rc == ERR_INPUT))
		*rc = one;
}

static int read_app(struct app *a, const struct source *from, struct err *e)
{
	json_t *map = json_object_get(a->doc, "app"), *script;
	json_t *scripts = json_object_get(map, "init_scripts");
	char prefix[64];
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(app_pairs) / sizeof(app_pairs[0]) && (rc == 0 || a->faults); i++)
		worse(&rc, read_pair(a, from, map, "app.", &app_pairs[i], e));
	json_array_foreach(scripts, i, script) {
		(void)str_format(prefix, sizeof(prefix), "app.init_scripts[%zu].", i);
		if (rc == 0 || a->faults)
			worse(&rc, read_pair(a, from, script, prefix, &app_pairs[0], e));
	}
	return rc;
}

int app_files_read(struct app *a, const struct app_origin *o, struct err *e)
{
	auto_close int dirfd = o->dir ? open(o->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	const struct source from = { .dirfd = dirfd, .attached = o->attached };
	int rc;

	if (o->dir && dirfd < 0)
		return err_errno(e, errno, "opening the folder %s", o->dir);
	rc = read_app(a, &from, e);
	if (rc == 0 || a->faults)
		worse(&rc, read_pair(a, &from, a->doc, "", &user_config, e));
	if (rc == 0 || a->faults)
		worse(&rc, read_sealed(a, &from, e));
	if (rc == 0 || a->faults)
		worse(&rc, read_compose(a, &from, e));
	if (rc == 0)
		a->user_config = xstrdup(app_str(a, "user_config"));
	return rc;
}
