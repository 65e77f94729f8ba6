/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_keys: the public keys of key services, to pin them, and held against what an app pins */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "app/app_yaml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/kms_call.h"
#include "cli/kms_facts.h"
#include "data/guest_url.h"
#include "data/json.h"

enum { URLS_MAX = 16, TIME_SIZE = 32, SHOWN = 300, HEX_SIZE = 2 * KMS_FACTS_KEY_MAX + 1 };
enum { CERTIFICATE_MAX = 256 * 1024, PIN_MAX = 4096 };

struct one {
	const char *url; /* borrowed */
	struct kms_facts facts;
	struct err fault; /* code 0: facts are there */
	bool is_pinned;	  /* as the app says it */
};

struct request {
	struct app app; /* APP_NULL without --app */
	bool has_app;
	json_t *urls;
	struct one *all; /* URLS_MAX of them */
	size_t n;
};

/* As guests have it, and we are none: their host is this machine only if the daemon is here. */
static int check_near(const struct cli *c, const char *url, struct err *e)
{
	char here[KMS_CALL_URL_MAX];
	int rc = guest_url_on_host(url, here, sizeof(here));

	if (rc < 0)
		return err_set(e, ERR_INPUT, "the address of the KMS is too long");
	if (rc == 0 || !c->api.is_remote)
		return 0;
	return err_set(
		e, ERR_INPUT,
		"%s is an address of guests; write one at which this machine reaches the KMS", url);
}

static int add_url(const struct cli *c, struct request *q, const char *url, struct err *e)
{
	int rc = kms_call_check(url, e);

	if (rc == 0)
		rc = check_near(c, url, e);
	if (rc < 0)
		return rc;
	if (q->n == URLS_MAX)
		return err_set(e, ERR_INPUT, "at most %d key services at once", URLS_MAX);
	q->all[q->n++].url = url;
	return 0;
}

/* Those that are named, or the app's, or the daemon's. */
static int find_urls(const struct cli *c, struct request *q, struct err *e)
{
	json_t *meta = NULL;
	const json_t *url;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->args->n && rc == 0; i++)
		rc = add_url(c, q, c->args->operands[i], e);
	if (rc < 0 || q->n)
		return rc;
	if (json_array_size(app_get(&q->app, "kms_urls"))) {
		q->urls = json_deep_copy(app_get(&q->app, "kms_urls"));
	} else {
		rc = api_call(&c->api, "GetMeta", NULL, &meta, e);
		if (rc < 0)
			return rc;
		q->urls = json_incref(json_object_get(json_object_get(meta, "kms"), "urls"));
		json_decref(meta);
	}
	json_array_foreach(q->urls, i, url) {
		if (rc == 0 && json_is_string(url))
			rc = add_url(c, q, json_string_value(url), e);
	}
	if (rc == 0 && !q->n) {
		rc = err_set(
			e, ERR_INPUT,
			"no KMS is known; name one: bailey keys https://HOST:PORT, or kms_urls "
			"in baileyd.yaml");
	}
	return rc;
}

static void ask(const struct cli *c, struct one *o)
{
	auto_buf struct buf certificate = BUF_MAX(CERTIFICATE_MAX);
	json_t *meta = NULL;

	if (kms_call(c, o->url, "GetMeta", NULL, &certificate, &meta, &o->fault) < 0)
		return;
	if (kms_facts_read(meta, &certificate, &o->facts, &o->fault) < 0)
		(void)err_wrap(&o->fault, o->fault.code, "the KMS at %s", o->url);
	json_decref(meta);
}

static bool is_same_hex(const char *written, const uint8_t *p, size_t n)
{
	char hex[HEX_SIZE];

	str_hex(hex, p, n);
	return strcasecmp(written, hex) == 0;
}

/* What the app does not say pins nothing, and is no mismatch. */
static bool is_as_pinned(const struct app *a, const struct kms_facts *f)
{
	const char *id = app_str(a, "key_provider_id"), *signer = app_str(a, "kms_signer");

	return (!*id || is_same_hex(id, f->root, f->n_root)) &&
	       (!*signer || is_same_hex(signer, f->signer, sizeof(f->signer)));
}

static bool pins(const struct app *a)
{
	return *app_str(a, "key_provider_id") || *app_str(a, "kms_signer");
}

static int gather(const struct cli *c, struct request *q, struct err *e)
{
	size_t i;
	int rc = 0;

	q->all = xcalloc(URLS_MAX, sizeof(*q->all));
	q->has_app = args_has(c->args, OPT_APP);
	if (q->has_app)
		rc = app_load(c->args->options[OPT_APP], &q->app, e);
	if (rc == 0 && q->has_app && !pins(&q->app)) {
		rc = err_set(e, ERR_INPUT,
			     "%s pins no KMS: it has neither key_provider_id nor kms_signer",
			     q->app.file);
	}
	if (rc == 0)
		rc = find_urls(c, q, e);
	for (i = 0; i < q->n && rc == 0; i++) {
		ask(c, &q->all[i]);
		q->all[i].is_pinned = q->has_app && q->all[i].fault.code == 0 &&
				      is_as_pinned(&q->app, &q->all[i].facts);
	}
	return rc;
}

/* The worst of what was found. */
static int verdict(const struct request *q, struct err *e)
{
	const struct one *o;
	size_t i;

	for (i = 0; i < q->n; i++) {
		o = &q->all[i];
		if (o->fault.code)
			return err_set(e, o->fault.code, "%s", o->fault.text);
		if (q->has_app && !o->is_pinned)
			return err_set(e, ERR_UNPROVEN, "%s is not the KMS that %s pins", o->url,
				       q->app.file);
		if (!kms_facts_is_same(&o->facts, &q->all[0].facts)) {
			return err_set(e, ERR_UNPROVEN,
				       "%s and %s have other root keys: their apps' keys differ",
				       q->all[0].url, o->url);
		}
	}
	return 0;
}

static const char *certificate_text(const struct kms_facts *f)
{
	static const char *const texts[KMS_CERTIFICATE_COUNT][2] = {
		[KMS_CERTIFICATE_NONE] = { "none, plain HTTP", "none, plain HTTP" },
		[KMS_CERTIFICATE_OTHER] = { "not of this root, without a quote",
					    "not of this root, with a quote" },
		[KMS_CERTIFICATE_OF_ROOT] = { "of this root, without a quote",
					      "of this root, with a quote" },
	};

	return texts[f->certificate][f->has_quote];
}

static void show(const struct cli *c, const struct request *q, const struct one *o)
{
	char hex[HEX_SIZE], shown[SHOWN];
	const struct kms_facts *f = &o->facts;

	cli_say(c, "%s\n", o->url);
	if (o->fault.code) {
		cli_say(c, "  %s\n",
			str_escape(shown, sizeof(shown), o->fault.text, strlen(o->fault.text)));
		return;
	}
	str_hex(hex, f->root, f->n_root);
	cli_say(c, "  key_provider_id  %s\n", hex);
	str_hex(hex, f->signer, sizeof(f->signer));
	cli_say(c, "  kms_signer       %s\n", hex);
	if (*f->gateway)
		cli_say(c, "  gateway          %s\n",
			str_escape(shown, sizeof(shown), f->gateway, strlen(f->gateway)));
	cli_say(c, "  certificate      %s\n", certificate_text(f));
	if (f->is_dev)
		cli_say(c, "  development      it may give keys to anybody\n");
	if (q->has_app)
		cli_say(c, "  %s %s\n", q->app.file, o->is_pinned ? "pins it" : "pins another");
}

static json_t *one_json(const struct request *q, const struct one *o)
{
	json_t *j = json_pack("{s:o}", "url", json_text(o->url));
	const struct kms_facts *f = &o->facts;
	char root[HEX_SIZE], signer[HEX_SIZE];

	if (o->fault.code) {
		(void)json_object_set_new(j, "error", json_text(o->fault.text));
		return j;
	}
	str_hex(root, f->root, f->n_root);
	str_hex(signer, f->signer, sizeof(f->signer));
	(void)json_object_set_new(j, "key_provider_id", json_string(root));
	(void)json_object_set_new(j, "kms_signer", json_string(signer));
	(void)json_object_set_new(j, "is_dev", json_boolean(f->is_dev));
	(void)json_object_set_new(j, "gateway_app_id",
				  *f->gateway ? json_text(f->gateway) : json_null());
	(void)json_object_set_new(j, "is_certificate_of_root",
				  json_boolean(f->certificate == KMS_CERTIFICATE_OF_ROOT));
	(void)json_object_set_new(j, "has_quote", json_boolean(f->has_quote));
	if (q->has_app)
		(void)json_object_set_new(j, "is_pinned", json_boolean(o->is_pinned));
	return j;
}

static void show_all(const struct cli *c, const struct request *q)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < q->n; i++) {
		if (c->wants_json)
			(void)json_array_append_new(list, one_json(q, &q->all[i]));
		else
			show(c, q, &q->all[i]);
	}
	if (c->wants_json)
		cli_json(list);
	json_decref(list);
}

static void request_deinit(struct request *q)
{
	app_deinit(&q->app);
	json_decref(q->urls);
	free(q->all);
}

int cmd_keys(struct cli *c, struct err *e)
{
	struct request q = { .app = APP_NULL };
	int rc = gather(c, &q, e);

	if (rc == 0) {
		show_all(c, &q);
		rc = verdict(&q, e);
	}
	request_deinit(&q);
	return rc;
}

/* Lines for an app's YAML.  What they are worth is said in the first. */
static int pin_text(const struct request *q, struct buf *ret)
{
	char root[HEX_SIZE], signer[HEX_SIZE], at[TIME_SIZE];
	const struct kms_facts *f = &q->all[0].facts;
	const char *url = q->all[0].url;
	char here[KMS_CALL_URL_MAX];
	int rc = guest_url_on_host(url, here, sizeof(here));

	str_hex(root, f->root, f->n_root);
	str_hex(signer, f->signer, sizeof(f->signer));
	rc = buf_addf(ret,
		      "# as %s said at %s; bailey verify %s proves what it is\n"
		      "key_provider: kms\nkey_provider_id: \"%s\"\nkms_signer: \"%s\"\n",
		      url, time_rfc3339(at, sizeof(at), time_unix_ms() / 1000), rc < 0 ? url : here,
		      root, signer);
	if (rc == 0 && f->is_dev)
		rc = buf_add_str(ret, "# it says that it is for development, and may give keys to "
				      "anybody\n");
	return rc;
}

static int write_pin(const struct cli *c, const struct request *q, struct err *e)
{
	const char *file = c->args->options[OPT_OUTPUT];
	auto_buf struct buf text = BUF_MAX(PIN_MAX);
	int rc;

	if (c->wants_json) {
		show_all(c, q);
		return 0;
	}
	rc = pin_text(q, &text);
	if (rc < 0)
		return err_set(e, rc, "no room for the pins");
	if (file && !str_equal(file, "-"))
		return file_replace(AT_FDCWD, file, 0644, text.p, text.n, e);
	(void)fputs((const char *)text.p, stdout);
	return 0;
}

int cmd_keys_pin(struct cli *c, struct err *e)
{
	struct request q = { .app = APP_NULL };
	int rc = gather(c, &q, e);

	if (rc == 0)
		rc = verdict(&q, e);
	if (rc == 0)
		rc = write_pin(c, &q, e);
	request_deinit(&q);
	return rc;
}
