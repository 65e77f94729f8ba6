/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_gateway: what a gateway's operator sees and does by its Admin service: status, routes, drain, reload */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/gateway_target.h"
#include "cli/table.h"
#include "data/json.h"

enum { SHOWN = 400, AGO = 64, POLICY = 200, PAGE = 10000 };

static const char *text_of(const json_t *o, const char *key)
{
	return json_get_str(o, key, "");
}

static unsigned long long number_of(const json_t *o, const char *key)
{
	return (unsigned long long)json_get_u64(o, key, 0);
}

/* The gateway that is meant, with its token. */
static int find(const struct cli *c, struct gateway_target *t, struct err *e)
{
	int rc = gateway_target_read(c, t, e);

	if (rc == 0 && !*t->admin) {
		rc = app_error(&t->app, "gateway_service.admin", e,
			       "is missing: where is its Admin service reached from here?");
	}
	return rc == 0 ? gateway_target_find_token(c, t, e) : rc;
}

/* One call, with nothing asked. */
static int ask(const struct cli *c, const char *method, json_t **ret, struct err *e)
{
	struct gateway_target t = GATEWAY_TARGET_NULL;
	int rc = find(c, &t, e);

	if (rc == 0)
		rc = gateway_target_call(c, &t, method, NULL, ret, e);
	gateway_target_deinit(&t);
	return rc;
}

/* "12 s ago", "not yet". */
static const char *ago(uint64_t at_s, char *dst, size_t size)
{
	uint64_t now = time_unix_ms() / 1000;
	char text[AGO];

	if (!at_s)
		return "not yet";
	(void)str_format(dst, size, "%s ago",
			 time_duration(text, sizeof(text), now > at_s ? now - at_s : 0));
	return dst;
}

static void show_reload(const struct cli *c, const json_t *reloads)
{
	char when[AGO + 8], shown[SHOWN];
	const char *why = text_of(reloads, "last_error");

	if (!json_get_u64(reloads, "last_time", 0))
		return;
	cli_say(c, "last reload  %s%s%s\n",
		ago(json_get_u64(reloads, "last_time", 0), when, sizeof(when)),
		*why ? ", it failed: " : "", str_escape(shown, sizeof(shown), why, strlen(why)));
}

static void show_domains(const struct cli *c, const json_t *domains)
{
	static const struct table_column columns[] = { { "DOMAIN", true },
						       { "CERTIFICATE UNTIL", false },
						       { NULL, false } };
	uint64_t end, now = time_unix_ms() / 1000;
	struct table *t = table_new(columns);
	char until[32];
	const json_t *d;
	size_t i;

	json_array_foreach(domains, i, d) {
		end = json_get_u64(d, "certificate_not_after", 0);
		table_cell(t, COLOUR_NONE, "%s", text_of(d, "name"));
		table_cell(t, end > now ? COLOUR_NONE : COLOUR_BAD, "%s",
			   end ? time_rfc3339(until, sizeof(until), end) : "none");
	}
	cli_table(c, t);
}

static void show_status(const struct cli *c, const json_t *s)
{
	const json_t *listen = json_object_get(s, "listen"), *at;
	char up[AGO], shown[SHOWN];
	const char *version = text_of(s, "version");
	size_t i;

	cli_say(c, "version      %s, up %s\n",
		str_escape(shown, sizeof(shown), version, strlen(version)),
		time_duration(up, sizeof(up), json_get_u64(s, "uptime", 0)));
	if (json_get_bool(s, "is_draining", false))
		cli_say(c, "draining     it takes no new clients and ends with the last\n");
	json_array_foreach(listen, i, at) {
		if (json_is_string(at)) {
			cli_say(c, "%-13s%s\n", i ? "" : "clients at",
				str_escape(shown, sizeof(shown), json_string_value(at),
					   json_string_length(at)));
		}
	}
	cli_say(c, "clients      %llu\n", number_of(s, "num_connections"));
	cli_say(c, "apps         %llu\n", number_of(s, "num_apps"));
	cli_say(c, "instances    %llu, %llu of them take clients\n", number_of(s, "num_instances"),
		number_of(s, "num_ready"));
	show_reload(c, json_object_get(s, "reloads"));
	if (!c->is_quiet)
		show_domains(c, json_object_get(s, "domains"));
}

int cmd_gateway_status(struct cli *c, struct err *e)
{
	json_t *s = NULL;
	int rc = ask(c, "Status", &s, e);

	if (rc < 0)
		return rc;
	if (c->wants_json)
		cli_json(s);
	else
		show_status(c, s);
	json_decref(s);
	return 0;
}

static const char *state_of(const json_t *r, enum colour *ret)
{
	*ret = COLOUR_BUSY;
	if (json_get_bool(r, "is_draining", false))
		return "draining";
	if (json_get_bool(r, "is_registered", false) && !json_get_bool(r, "has_tunnel", false))
		return "no tunnel";
	if (!json_get_bool(r, "is_ready", false))
		return "not ready";
	*ret = COLOUR_GOOD;
	return "ready";
}

/* "all", "80, 443", "none": which ports are let in. */
static const char *ports_of(const json_t *r, char dst[static POLICY])
{
	const json_t *policy = json_object_get(r, "policy"), *p,
		     *list = json_object_get(policy, "ports");
	size_t i, at = 0;
	int n;

	if (!json_is_object(policy))
		return "none yet";
	if (!json_get_bool(policy, "restrict_mode", false))
		return "all";
	(void)str_copy(dst, POLICY, "none");
	json_array_foreach(list, i, p) {
		n = str_format(dst + at, POLICY - at, "%s%llu", i ? ", " : "",
			       number_of(p, "port"));
		if (n < 0)
			break; /* the table would cut them, too */
		at += (size_t)n;
	}
	dst[at ? at : strlen("none")] = 0;
	return dst;
}

static void route_row(struct table *t, const json_t *r)
{
	char when[AGO + 8], ports[POLICY];
	enum colour colour;
	const char *state = state_of(r, &colour);

	table_cell(t, COLOUR_NONE, "%s", text_of(r, "app_id"));
	table_cell(t, COLOUR_NONE, "%s", text_of(r, "instance_id"));
	table_cell(t, COLOUR_NONE, "%s", text_of(r, "address"));
	table_cell(t, colour, "%s", state);
	table_cell(t, COLOUR_NONE, "%s",
		   json_get_bool(r, "is_registered", false)
			   ? ago(json_get_u64(r, "latest_handshake", 0), when, sizeof(when))
			   : "-");
	table_cell(t, COLOUR_NONE, "%llu", number_of(r, "num_connections"));
	table_cell(t, COLOUR_NONE, "%llu", number_of(r, "total_connections"));
	table_cell(t, COLOUR_NONE, "%s", ports_of(r, ports));
}

static void show_routes(const struct cli *c, const json_t *routes)
{
	static const struct table_column columns[] = {
		{ "APP", true },     { "INSTANCE", true }, { "ADDRESS", false },
		{ "STATE", false },  { "TUNNEL", false },  { "CLIENTS", false },
		{ "IN ALL", false }, { "PORTS", true },	   { NULL, false },
	};
	struct table *t;
	const json_t *r;
	size_t i;

	if (!json_array_size(routes)) {
		cli_say(c, "no routes: no app has registered\n");
		return;
	}
	t = table_new(columns);
	json_array_foreach(routes, i, r)
		route_row(t, r);
	cli_table(c, t);
}

/* Page by page.  A gateway that always says that there is more is not believed for ever. */
static int gather_routes(const struct cli *c, const struct gateway_target *t, json_t *ret,
			 struct err *e)
{
	const char *app = args_has(c->args, OPT_APP_ID) ? c->args->options[OPT_APP_ID] : "";
	char after[SHOWN] = "";
	json_t *params, *page;
	int rc = 0, i;

	for (i = 0; rc == 0 && (i == 0 || *after); i++) {
		if (i == PAGE)
			return err_set(e, ERR_PROTO, "the gateway's list has no end");
		page = NULL;
		params = json_pack("{s:o, s:s, s:i}", "app_id", json_text(app), "after", after,
				   "limit", PAGE);
		rc = gateway_target_call(c, t, "Routes", params, &page, e);
		json_decref(params);
		if (rc == 0 && json_is_array(json_object_get(page, "routes")))
			(void)json_array_extend(ret, json_object_get(page, "routes"));
		if (rc == 0 && str_copy(after, sizeof(after), text_of(page, "next")) < 0)
			rc = err_set(e, ERR_PROTO,
				     "the gateway's list does not say how it goes on");
		json_decref(page);
	}
	return rc;
}

int cmd_gateway_routes(struct cli *c, struct err *e)
{
	struct gateway_target t = GATEWAY_TARGET_NULL;
	json_t *routes = json_array();
	int rc = find(c, &t, e);

	if (rc == 0)
		rc = gather_routes(c, &t, routes, e);
	if (rc == 0 && c->wants_json)
		cli_json(routes);
	else if (rc == 0)
		show_routes(c, routes);
	gateway_target_deinit(&t);
	json_decref(routes);
	return rc;
}

static json_t *drain_request(const struct cli *c, struct err *e)
{
	const char *instance = c->args->options[OPT_INSTANCE];
	bool lifts = args_has(c->args, OPT_LIFT);

	if (instance)
		return json_pack("{s:o, s:b}", "instance_id", json_text(instance), "lift", lifts);
	if (lifts) {
		(void)err_set(e, ERR_INPUT,
			      "the end of a gateway cannot be taken back; --lift is for an "
			      "--instance");
	} else if (!args_has(c->args, OPT_FORCE)) {
		(void)err_set(
			e, ERR_INPUT,
			"the gateway would end, and nobody can take that back; say --force, or "
			"--instance ID for one of its instances");
	} else {
		return json_pack("{s:b}", "gateway", true);
	}
	return NULL;
}

static void say_drained(const struct cli *c, const json_t *reply)
{
	unsigned long long n = number_of(reply, "num_connections");

	if (args_has(c->args, OPT_LIFT))
		cli_say(c, "it may have new clients again; %llu are there\n", n);
	else
		cli_say(c, "%s takes no new clients; %llu are still there\n",
			args_has(c->args, OPT_INSTANCE) ? "it" : "the gateway", n);
}

int cmd_gateway_drain(struct cli *c, struct err *e)
{
	struct gateway_target t = GATEWAY_TARGET_NULL;
	json_t *request = drain_request(c, e), *reply = NULL;
	int rc = request ? find(c, &t, e) : ERR_INPUT;

	if (rc == 0)
		rc = gateway_target_call(c, &t, "Drain", request, &reply, e);
	if (rc == 0 && c->wants_json)
		cli_json(reply);
	else if (rc == 0)
		say_drained(c, reply);
	gateway_target_deinit(&t);
	json_decref(request);
	json_decref(reply);
	return rc;
}

static size_t say_list(const struct cli *c, const char *what, const json_t *list)
{
	char shown[SHOWN];
	const json_t *j;
	size_t i;

	json_array_foreach(list, i, j) {
		if (json_is_string(j)) {
			cli_say(c, "%s%s\n", what,
				str_escape(shown, sizeof(shown), json_string_value(j),
					   json_string_length(j)));
		}
	}
	return json_array_size(list);
}

int cmd_gateway_reload(struct cli *c, struct err *e)
{
	json_t *r = NULL;
	size_t n = 0;
	int rc = ask(c, "Reload", &r, e);

	if (rc < 0)
		return rc;
	if (c->wants_json)
		cli_json(r);
	n += say_list(c, "changed: ", json_object_get(r, "changed"));
	n += say_list(c, "takes a restart: ", json_object_get(r, "needs_restart"));
	if (say_list(c, "stays as it was: ", json_object_get(r, "problems")))
		rc = err_set(e, ERR_REFUSED, "not everything could be read again");
	else if (!n)
		cli_say(c, "read again; nothing of its configuration changed\n");
	json_decref(r);
	return rc;
}
