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
	"app",	      "key_provider", "key_provider_id",   "gateway",
	"public",     "env",	      "instance_id",	   "secure_time",
	"storage_fs", "swap",	      "event_log_version",
};

static int read_text(const struct app *a, int dirfd, const char *path, const char *name,
		     struct buf *ret, struct err *e)
{
	struct err why = ERR_NONE;
	int rc = file_read(dirfd, name, APP_FILE_MAX, ret, &why);

	if (rc == -ENOMEM)
		return rc;
	if (rc == -EFBIG)
		return app_error(a, path, e, "\"%.200s\" is larger than %d MiB", name,
				 APP_FILE_MAX >> 20);
	if (rc == -ELOOP)
		return app_error(a, path, e, "\"%.200s\" is a symbolic link; name the file itself",
				 name);
	if (rc < 0)
		return app_error(a, path, e, "\"%.200s\" cannot be read: %s", name, strerror(-rc));
	if (!str_is_utf8(ret->p, ret->n) || (ret->n && memchr(ret->p, 0, ret->n)))
		return app_error(a, path, e, "\"%.200s\" is not text (UTF-8)", name);
	return 0;
}

/* @map is at @prefix ("app.") in the document. */
static int read_pair(struct app *a, int dirfd, json_t *map, const char *prefix,
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
	rc = read_text(a, dirfd, path, name, &text, e);
	if (rc < 0)
		return rc;
	return json_object_set_new(map, pair->text,
				   json_stringn(text.p ? (char *)text.p : "", text.n))
		       ? -ENOMEM
		       : 0;
}

static int read_compose(struct app *a, int dirfd, struct err *e)
{
	const char *name = app_str(a, "compose_file");
	auto_buf struct buf text = BUF_MAX(0);
	size_t i;
	int rc;

	if (!*name)
		return 0;
	for (i = 0; i < sizeof(compose_keys) / sizeof(compose_keys[0]); i++) {
		if (conf_line(a->doc, compose_keys[i]) > 0)
			return app_error(a, compose_keys[i], e,
					 "is not used beside compose_file; remove one of them");
	}
	rc = read_text(a, dirfd, "compose_file", name, &text, e);
	if (rc == 0)
		a->compose = buf_take_str(&text);
	return rc;
}

static int read_app(struct app *a, int dirfd, struct err *e)
{
	json_t *map = json_object_get(a->doc, "app"), *script;
	json_t *scripts = json_object_get(map, "init_scripts");
	char prefix[64];
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(app_pairs) / sizeof(app_pairs[0]) && rc == 0; i++)
		rc = read_pair(a, dirfd, map, "app.", &app_pairs[i], e);
	json_array_foreach(scripts, i, script) {
		(void)str_format(prefix, sizeof(prefix), "app.init_scripts[%zu].", i);
		if (rc == 0)
			rc = read_pair(a, dirfd, script, prefix, &app_pairs[0], e);
	}
	return rc;
}

int app_files_read(struct app *a, const char *dir, struct err *e)
{
	auto_close int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (dirfd < 0)
		return err_errno(e, errno, "opening the folder %s", dir);
	rc = read_app(a, dirfd, e);
	if (rc == 0)
		rc = read_pair(a, dirfd, a->doc, "", &user_config, e);
	if (rc == 0)
		rc = read_compose(a, dirfd, e);
	if (rc == 0)
		a->user_config = xstrdup(app_str(a, "user_config"));
	return rc;
}
