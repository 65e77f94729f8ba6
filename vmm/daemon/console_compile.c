/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/console_compile.h"

#include <string.h>

#include <jansson.h>

#include "app/app_yaml.h"
#include "app/changes.h"
#include "app/create.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/scratch.h"
#include "daemon/validate.h"
#include "daemon/vm_info.h"
#include "data/faults.h"
#include "data/json.h"
#include "data/proto.h"
#include "loop/http_server.h"
#include "loop/work.h"
#include "proto/vmm.pb-c.h"
#include "store/image.h"
#include "store/manifest.h"

enum { CONFIGURATION_MAX = 64 * 1024 * 1024 }; /* of a VM, as JSON */

struct compile {
	struct daemon *d;
	struct http_request *r;
	json_t *in;	 /* the worker's, while it runs */
	char *image_dir; /* a copy */
	struct app app;
	struct faults errors, warnings;
	json_t *configuration; /* NULL: there are errors */
	char image[IMAGE_NAME_MAX + 1];
	struct changes changes; /* of the VM that is to be updated */
};

static void compile_free(struct compile *c)
{
	c->d->n_compiles--;
	json_decref(c->in);
	json_decref(c->configuration);
	app_deinit(&c->app);
	changes_deinit(&c->changes);
	faults_deinit(&c->errors);
	faults_deinit(&c->warnings);
	free(c->image_dir);
	free(c);
}

/* At the place of @key, or of nothing if it was not written. */
static void tell(struct faults *to, const struct app *a, const char *key, const char *message)
{
	int line = conf_line(a->doc, key), column = conf_column(a->doc, key);

	faults_add(to, (unsigned int)line, (unsigned int)column, key, message);
}

static json_t *images_of(const char *dir, struct err *e)
{
	struct image **list = NULL;
	json_t *images;
	size_t n = 0, i;

	if (image_list(dir, &list, &n, NULL, NULL, e))
		return NULL;
	images = json_array();
	for (i = 0; i < n; i++)
		(void)json_array_append_new(images, json_pack("{s:s, s:s}", "name", list[i]->name,
							      "version", list[i]->version_text));
	image_list_free(list, n);
	return images;
}

static bool has_image(const json_t *images, const char *name)
{
	const json_t *image;
	size_t i;

	json_array_foreach(images, i, image) {
		if (str_equal(json_get_str(image, "name", ""), name))
			return true;
	}
	return false;
}

/* The image that the app names, or the newest. */
static void choose_image(struct compile *c)
{
	const char *named = app_str(&c->app, "image"), *newest;
	struct err e = ERR_NONE;
	json_t *images = images_of(c->image_dir, &e);
	char message[256];

	newest = images ? create_newest_image(images) : NULL;
	if (!images) {
		tell(&c->errors, &c->app, "image", e.text);
	} else if (!newest) {
		tell(&c->errors, &c->app, "image",
		     "this host has no guest image; build one with guest-stub/image/build, into "
		     "the "
		     "folder image of baileyd's state");
	} else if (*named && !has_image(images, named)) {
		(void)str_format(message, sizeof(message),
				 "this host has no image \"%s\"; the newest that it has is %s",
				 named, newest);
		tell(&c->errors, &c->app, "image", message);
	} else {
		(void)str_copy(c->image, sizeof(c->image), *named ? named : newest);
	}
	json_decref(images);
}

static void warn(struct compile *c)
{
	const char *tee = app_str(&c->app, "tee");

	if (str_equal(tee, "none")) {
		tell(&c->warnings, &c->app, "tee",
		     "not confidential: the host can read all of this VM");
	} else if (str_equal(tee, "simulated")) {
		tell(&c->warnings, &c->app, "tee",
		     "not confidential: TDX is imitated, for development only");
	}
}

static void run(void *arg)
{
	struct compile *c = arg;
	const json_t *yaml = json_object_get(c->in, "yaml");
	const struct app_origin o = { .file = "app.yaml",
				      .attached = json_object_get(c->in, "files"),
				      .faults = &c->errors };
	struct err e = ERR_NONE;

	if (app_parse_from(json_string_value(yaml), json_string_length(yaml), &o, &c->app, &e)) {
		if (c->errors.n == 0) /* not one of the document's: no memory */
			faults_add(&c->errors, 0, 0, "", e.text);
		return;
	}
	choose_image(c);
	if (c->errors.n > 0)
		return;
	warn(c);
	c->configuration = create_request(&c->app, c->image, false);
}

/* The key that a message of validate.h speaks of: what it names first. */
static const char *key_of(const char *message)
{
	static const struct {
		const char *word, *key;
	} keys[] = {
		{ "image", "image" },
		{ "port", "ports" },
		{ "vcpu", "resources.cpus" },
		{ "memory", "resources.memory" },
		{ "disk", "resources.disk" },
		{ "app id", "app_id" },
		{ "key provider", "key_provider" },
		{ "name", "name" },
	};
	const char *at, *first = NULL, *key = "";
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		at = strstr(message, keys[i].word);
		if (at && (!first || at < first)) {
			first = at;
			key = keys[i].key;
		}
	}
	return key;
}

/* What CreateVm would say. */
static void ask_host(struct compile *c)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	ProtobufCMessage *in = NULL;
	struct err e = ERR_NONE;
	int rc = proto_from_json(&bailey__vmm__vm_configuration__descriptor, c->configuration, &in,
				 &e);

	if (rc == 0)
		rc = validate_new(c->d, (const Bailey__Vmm__VmConfiguration *)in, &m, &e);
	if (in)
		protobuf_c_message_free_unpacked(in, NULL);
	if (rc < 0)
		tell(&c->errors, &c->app, key_of(e.text), e.text);
}

/* The configuration of @vm as a caller of Status sees it; NULL and @e. */
static json_t *configuration_of(const struct vm *vm, struct err *e)
{
	auto_buf struct buf text = BUF_MAX(CONFIGURATION_MAX);
	auto_scratch struct scratch s = SCRATCH_NULL;
	json_t *there = NULL;
	int rc = proto_to_json(&vm_info(vm, VM_INFO_FULL, &s)->configuration->base, &text);

	if (rc == 0)
		rc = json_parse(text.p, text.n, CONFIGURATION_MAX, "configuration", &there, e);
	else
		(void)err_set(e, rc, "the configuration of this VM is too large to compare");
	return there;
}

/* What UpdateVm would change. */
static void compare(struct compile *c)
{
	const char *id = json_get_str(c->in, "id", "");
	const struct vm *vm = vm_id_is_valid(id) ? fleet_find(&c->d->fleet, id) : NULL;
	struct err e = ERR_NONE;
	json_t *there = NULL;

	if (vm)
		there = configuration_of(vm, &e);
	else
		(void)err_set(&e, ERR_NOT_FOUND, "vm not found");
	if (there)
		changes_find(&c->app, there, &c->changes);
	json_decref(there);
	if (e.code || c->changes.refusal[0]) {
		tell(&c->errors, &c->app, e.code ? "" : key_of(c->changes.refusal),
		     e.code ? e.text : c->changes.refusal);
	}
}

static json_t *list_of(const struct faults *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n; i++) {
		(void)json_array_append_new(
			list, json_pack("{s:i, s:i, s:s, s:o}", "line", (int)f->list[i].line,
					"column", (int)f->list[i].column, "key", f->list[i].key,
					"message", json_text(f->list[i].message)));
	}
	return list;
}

static json_t *reply_of(struct compile *c)
{
	bool is_ok = c->errors.n == 0;
	json_t *o = json_pack("{s:b, s:o, s:o, s:b}", "ok", (int)is_ok, "warnings",
			      list_of(&c->warnings), "errors", list_of(&c->errors), "has_more",
			      (int)c->errors.is_cut);
	const char *app_id = json_get_str(c->configuration, "app_id", c->app.hash);

	if (!is_ok)
		return o;
	(void)json_object_set_new(o, "name", json_string(app_str(&c->app, "name")));
	(void)json_object_set_new(o, "image", json_string(c->image));
	(void)json_object_set_new(o, "compose_hash", json_string(c->app.hash));
	(void)json_object_set_new(o, "app_id", json_stringn(app_id, 40));
	(void)json_object_set(o, "configuration", c->configuration);
	if (!json_object_get(c->in, "id"))
		return o;
	(void)json_object_set_new(o, "changes", changes_json(&c->changes));
	if (c->changes.request)
		(void)json_object_set(c->changes.request, "id", json_object_get(c->in, "id"));
	(void)json_object_set_new(
		o, "update", c->changes.request ? json_incref(c->changes.request) : json_null());
	return o;
}

static void done(void *arg)
{
	struct compile *c = arg;
	auto_free char *text = NULL;
	json_t *reply;

	if (c->configuration && json_object_get(c->in, "id"))
		compare(c);
	else if (c->configuration)
		ask_host(c);
	reply = reply_of(c);
	text = json_compact(reply);
	json_decref(reply);
	http_reply(c->r, 200, "application/json", text, strlen(text), NULL);
	compile_free(c);
}

static void refuse(struct http_request *r, int status, const char *why)
{
	json_t *o = json_pack("{s:s}", "error", why);
	auto_free char *text = json_pretty(o);

	json_decref(o);
	http_reply(r, status, "application/json", text, strlen(text), NULL);
}

/* A page of another site can send a form's text here, but not JSON. */
static bool is_json(const struct http_request *r)
{
	const char *type = http_request_header(r, "Content-Type");

	return type && str_starts(type, "application/json");
}

static bool is_request(const json_t *in)
{
	const json_t *files = json_object_get(in, "files"), *id = json_object_get(in, "id");

	return json_is_string(json_object_get(in, "yaml")) && (!files || json_is_object(files)) &&
	       (!id || json_is_string(id));
}

void console_compile(struct daemon *d, struct http_request *r)
{
	struct err e = ERR_NONE;
	struct compile *c;
	json_t *in = NULL;
	const void *body;
	size_t n;

	body = http_request_body(r, &n);
	if (http_request_too_large(r) || n > CONSOLE_COMPILE_MAX) {
		refuse(r, 413, "more than 1 MiB");
	} else if (d->n_compiles >= CONSOLE_COMPILES_MAX) {
		refuse(r, 429, "too many at once; try again");
	} else if (!is_json(r)) {
		refuse(r, 415, "send Content-Type: application/json");
	} else if (json_parse(body, n, CONSOLE_COMPILE_MAX, "request", &in, &e)) {
		refuse(r, 400, e.text);
	} else if (!is_request(in)) {
		json_decref(in);
		refuse(r, 400, "send {\"yaml\": TEXT, \"files\": {NAME: TEXT}}");
	} else {
		c = xnew(struct compile);
		c->d = d;
		c->r = r;
		c->in = in;
		c->image_dir = xstrdup(d->image_dir);
		d->n_compiles++;
		work_start(d->loop, run, done, c);
	}
}
