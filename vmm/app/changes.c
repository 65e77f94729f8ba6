/* SPDX-License-Identifier: Apache-2.0 */
#include "app/changes.h"

#include <stdlib.h>
#include <string.h>

#include "app/app_yaml.h"
#include "app/create.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"

enum { SHOWN_MAX = 60, HASH_SIZE = 2 * sizeof(struct digest256) + 1, COMPOSE_MAX = 50 << 20 };

/* An app, a VM, and what of both is compared. */
struct both {
	const json_t *here, *there; /* CreateVm's request of the app; the VM's configuration */
	struct changes *c;
};

void changes_deinit(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->list[i].field);
		free(c->list[i].from);
		free(c->list[i].to);
	}
	free(c->list);
	json_decref(c->request);
	*c = CHANGES_NULL;
}

/* @from and @to are taken over. */
static void add(struct changes *c, const char *field, char *from, char *to)
{
	struct change *list = reallocarray(c->list, c->n + 1, sizeof(*list));

	if (!list)
		abort();
	c->list = list;
	list[c->n].field = xstrdup(field);
	list[c->n].from = from;
	list[c->n++].to = to;
}

static void ask(struct changes *c, const char *key, json_t *value)
{
	if (!c->request)
		c->request = json_object();
	if (json_object_set_new(c->request, key, value) < 0)
		abort();
}

/* The last change cannot be made: @why, and what to do. */
static void refuse(struct changes *c, const char *why)
{
	const struct change *last = &c->list[c->n - 1];

	if (!*c->refusal)
		(void)str_format(c->refusal, sizeof(c->refusal), "%s: from %.60s to %.60s: %s",
				 last->field, last->from, last->to, why);
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_get_str(o, key, "");
}

/* A value of app-compose.json, short enough for a line; NULL for none. */
static char *short_text(const json_t *v)
{
	auto_free char *text = NULL;

	if (!v || json_is_null(v))
		return NULL;
	text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_compact(v);
	if (strlen(text) <= SHOWN_MAX && !strchr(text, '\n'))
		return steal_ptr(&text);
	return xasprintf("%zu bytes", strlen(text));
}

static void compare_key(struct changes *c, const char *key, const json_t *from, const json_t *to)
{
	auto_free char *field = NULL;
	char *was, *is;

	if ((!from && !to) || (from && to && json_equal(from, to)))
		return;
	field = xasprintf("app.%s", key);
	was = short_text(from);
	is = short_text(to);
	if (was && is && str_equal(was, is)) { /* two texts of one length */
		free(was);
		was = xstrdup("other content");
	}
	add(c, field, was, is);
}

/* The keys of the two documents, where both are such. */
static void compare_documents(struct changes *c, const char *from, const char *to)
{
	json_t *was = NULL, *is = NULL, *v;
	const char *key;

	if (json_parse(from, strlen(from), COMPOSE_MAX, "there", &was, NULL) == 0 &&
	    json_parse(to, strlen(to), COMPOSE_MAX, "here", &is, NULL) == 0) {
		json_object_foreach(was, key, v)
			compare_key(c, key, v, json_object_get(is, key));
		json_object_foreach(is, key, v) {
			if (!json_object_get(was, key))
				compare_key(c, key, NULL, v);
		}
	}
	json_decref(was);
	json_decref(is);
}

static char *hash_of(const char *text)
{
	struct digest256 d = digest256_bytes(text, strlen(text));
	char *hex = xcalloc(1, HASH_SIZE);

	str_hex(hex, d.b, sizeof(d.b));
	return hex;
}

static void compare_app(const struct both *b)
{
	const char *from = text_of(b->there, "compose_file"),
		   *to = text_of(b->here, "compose_file");

	if (str_equal(from, to))
		return;
	add(b->c, "compose hash", hash_of(from), hash_of(to));
	compare_documents(b->c, from, to);
	ask(b->c, "compose_file", json_string(to));
}

static void compare_number(const struct both *b, const char *key, const char *field,
			   const char *unit)
{
	uint64_t from = json_get_u64(b->there, key, 0), to = json_get_u64(b->here, key, 0);

	if (from == to)
		return;
	add(b->c, field, xasprintf("%llu%s", (unsigned long long)from, unit),
	    xasprintf("%llu%s", (unsigned long long)to, unit));
	ask(b->c, key, json_integer((json_int_t)to));
	if (str_equal(key, "disk_size") && to < from)
		refuse(b->c, "a disk cannot shrink; write the size it has, or make another VM");
}

static void compare_image(const struct both *b)
{
	const char *from = text_of(b->there, "image"), *to = text_of(b->here, "image");

	if (!*to || str_equal(from, to))
		return; /* the file names none: it keeps its own */
	add(b->c, "image", xstrdup(from), xstrdup(to));
	ask(b->c, "image", json_string(to));
}

static const char *tee_of(const json_t *configuration)
{
	if (*text_of(configuration, "simulated_tee"))
		return "simulated";
	return json_get_bool(configuration, "no_tee", false) ? "none" : "tdx";
}

static void compare_tee(const struct both *b)
{
	const char *from = tee_of(b->there), *to = tee_of(b->here);

	if (str_equal(from, to))
		return;
	add(b->c, "tee", xstrdup(from), xstrdup(to));
	ask(b->c, "no_tee", json_boolean(!str_equal(to, "tdx")));
	if (str_equal(from, "simulated") || str_equal(to, "simulated"))
		refuse(b->c, "a VM cannot be changed so; make another VM");
}

static char *port_text(const json_t *p)
{
	const char *host = text_of(p, "host_address");
	bool is_v6 = strchr(host, ':') != NULL;

	return xasprintf("%s%.64s%s:%u to %u/%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
			 (unsigned int)(json_get_u64(p, "host_port", 0) & 0xffff),
			 (unsigned int)(json_get_u64(p, "vm_port", 0) & 0xffff),
			 text_of(p, "protocol"));
}

static bool holds(const json_t *list, const json_t *value)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if (json_equal(v, value))
			return true;
	}
	return false;
}

/* Their order says nothing. */
static void compare_ports(const struct both *b)
{
	const json_t *there = json_object_get(b->there, "ports"),
		     *here = json_object_get(b->here, "ports"), *v;
	size_t i, n = b->c->n;

	json_array_foreach(there, i, v) {
		if (!holds(here, v))
			add(b->c, "ports", port_text(v), NULL);
	}
	json_array_foreach(here, i, v) {
		if (!holds(there, v))
			add(b->c, "ports", NULL, port_text(v));
	}
	if (b->c->n == n)
		return;
	ask(b->c, "update_ports", json_true());
	ask(b->c, "ports", json_deep_copy(here));
}

static void compare_list(const struct both *b, const char *key, const char *flag)
{
	json_t *there = json_object_get(b->there, key), *here = json_object_get(b->here, key);

	if ((!json_array_size(there) && !json_array_size(here)) || json_equal(there, here))
		return;
	add(b->c, key, json_array_size(there) ? json_compact(there) : NULL,
	    json_array_size(here) ? json_compact(here) : NULL);
	ask(b->c, flag, json_true());
	ask(b->c, key, here ? json_deep_copy(here) : json_array());
}

/* "apps.example.com:443 at https://10.0.2.2:9012"; NULL: it is no gateway. */
static char *gateway_text(const json_t *g)
{
	const char *admin = text_of(g, "admin");

	if (!json_is_object(g))
		return NULL;
	return xasprintf("%s:%u at %s%s%s", text_of(g, "domain"),
			 (unsigned int)(json_get_u64(g, "port", 0) & 0xffff), text_of(g, "url"),
			 *admin ? ", admin " : "", admin);
}

static void compare_gateway(const struct both *b)
{
	json_t *there = json_object_get(b->there, "gateway_service"),
	       *here = json_object_get(b->here, "gateway_service");
	char *from = gateway_text(there), *to = gateway_text(here);

	if ((!from && !to) || (from && to && str_equal(from, to))) {
		free(from);
		free(to);
		return;
	}
	add(b->c, "gateway_service", from, to);
	ask(b->c, "update_gateway_service", json_true());
	if (here)
		ask(b->c, "gateway_service", json_deep_copy(here));
}

static const json_t *gpus_of(const json_t *o, bool *ret_all)
{
	const json_t *gpus = json_object_get(o, "gpus");

	*ret_all = str_equal(text_of(gpus, "attach_mode"), "all");
	return *ret_all ? NULL : json_object_get(gpus, "gpus");
}

/* "all", the slots, or NULL for none. */
static char *gpus_text(bool is_all, const json_t *list)
{
	if (is_all)
		return xstrdup("all");
	return json_array_size(list) ? json_compact(list) : NULL;
}

static void compare_gpus(const struct both *b)
{
	bool was_all, is_all;
	const json_t *there = gpus_of(b->there, &was_all), *here = gpus_of(b->here, &is_all);
	json_t *to;

	if (was_all == is_all &&
	    ((!json_array_size(there) && !json_array_size(here)) || json_equal(there, here)))
		return;
	add(b->c, "gpus", gpus_text(was_all, there), gpus_text(is_all, here));
	to = json_object_get(b->here, "gpus");
	ask(b->c, "gpus",
	    to ? json_deep_copy(to) : json_pack("{s:[], s:s}", "gpus", "attach_mode", "listed"));
}

/* What an update has no word for. */
static void compare_fixed(const struct both *b, const char *key)
{
	bool from = json_get_bool(b->there, key, false), to = json_get_bool(b->here, key, false);

	if (from == to)
		return;
	add(b->c, key, xstrdup(from ? "true" : "false"), xstrdup(to ? "true" : "false"));
	refuse(b->c, "a VM cannot be changed so; make another VM");
}

static void compare_user_config(const struct both *b)
{
	const char *from = text_of(b->there, "user_config"), *to = text_of(b->here, "user_config");

	if (str_equal(from, to))
		return;
	/* it may hold what is not for a terminal's history */
	add(b->c, "user_config", *from ? xasprintf("%zu bytes", strlen(from)) : NULL,
	    *to ? xasprintf("%zu bytes, other", strlen(to)) : NULL);
	if (*to)
		ask(b->c, "user_config", json_string(to));
	else
		ask(b->c, "clear_user_config", json_true());
}

/* Sealed: all that can be seen of it is that it is another one. */
static void compare_env(const struct app *a, const struct both *b)
{
	const char *from = text_of(b->there, "encrypted_env"),
		   *to = text_of(b->here, "encrypted_env");

	if (a->leaves_env || str_equal(from, to))
		return;
	add(b->c, "env", *from ? xasprintf("%zu bytes, sealed", strlen(from) / 2) : NULL,
	    *to ? xasprintf("%zu bytes, sealed anew", strlen(to) / 2) : NULL);
	if (*to)
		ask(b->c, "encrypted_env", json_string(to));
	else
		ask(b->c, "clear_encrypted_env", json_true());
}

static void compare_app_id(const struct both *b)
{
	const char *from = text_of(b->there, "app_id"), *to = text_of(b->here, "app_id");

	if (!*to || strcasecmp(from, to) == 0)
		return;
	add(b->c, "app_id", xstrdup(from), xstrdup(to));
	refuse(b->c, "that of a VM cannot be changed; make another VM");
}

void changes_find(const struct app *a, const json_t *configuration, struct changes *ret)
{
	json_t *request = create_request(a, app_str(a, "image"), false);
	const struct both b = { .here = request, .there = configuration, .c = ret };

	*ret = CHANGES_NULL;
	compare_app(&b);
	compare_image(&b);
	compare_number(&b, "vcpu", "cpus", "");
	compare_number(&b, "memory", "memory", " MiB");
	compare_number(&b, "disk_size", "disk", " GiB");
	compare_ports(&b);
	compare_tee(&b);
	compare_list(&b, "kms_urls", "update_kms_urls");
	compare_list(&b, "gateway_urls", "update_gateway_urls");
	compare_gateway(&b);
	compare_gpus(&b);
	compare_fixed(&b, "hugepages");
	compare_fixed(&b, "pin_numa");
	compare_user_config(&b);
	compare_env(a, &b);
	compare_app_id(&b);
	json_decref(request);
}

static json_t *text_or_null(const char *s)
{
	return s ? json_text(s) : json_null();
}

json_t *changes_json(const struct changes *c)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (json_array_append_new(list,
					  json_pack("{s:s, s:o, s:o}", "field", c->list[i].field,
						    "from", text_or_null(c->list[i].from), "to",
						    text_or_null(c->list[i].to))) < 0)
			abort();
	}
	return list;
}
