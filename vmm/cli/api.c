/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/exit.h"
#include "cli/tunnel.h"
#include "data/json.h"
#include "loop/http_client.h"
#include "loop/listen.h"

enum { URL_MAX = 512, SHOWN_MAX = 400 };

const char *api_default_socket(char dst[static API_SOCKET_MAX])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() != 0 && dir && *dir == '/' &&
	    str_format(dst, API_SOCKET_MAX, "%s/bailey/baileyd.sock", dir) > 0 &&
	    access(dst, F_OK) == 0)
		return dst;
	(void)str_copy(dst, API_SOCKET_MAX, "/run/bailey/baileyd.sock");
	return dst;
}

static const char *name_of(const struct api *a)
{
	return a->name ? a->name : a->socket;
}

static const char *base_of(const struct api *a)
{
	return a->url ? a->url : "http://localhost";
}

static const char *remedy(int code)
{
	if (code == -EACCES || code == -EPERM)
		return "run as a user who may use it, such as root";
	if (code == -ENOENT)
		return "start baileyd, or say where it listens with --socket";
	return "start baileyd";
}

/* A fresh connection: an error here is about the daemon's absence, whatever comes later is not. */
static int dial(const struct api *a, struct err *e)
{
	struct err why = ERR_NONE;
	int fd = connect_unix(a->socket, &why);

	if (fd >= 0)
		return fd;
	return err_set(e, ERR_UNREACHABLE, "baileyd does not answer at %s: %s; %s", name_of(a),
		       why.code ? err_name(why.code) : err_name(fd), remedy(fd));
}

/* ssh logs in before it is known whether the far end has a daemon: then what it says is why. */
static int no_answer(const struct api *a, int rc, struct err *e)
{
	char said[TUNNEL_TEXT_MAX] = "";

	rc = err_wrap(e, rc == ERR_LIMIT ? rc : ERR_UNREACHABLE, "asking baileyd at %s",
		      name_of(a));
	if (rc == ERR_LIMIT || !a->is_remote || a->url || !e || !*tunnel_said(said))
		return rc;
	return err_set(e, rc,
		       "baileyd does not answer at %s: ssh says \"%s\"; start baileyd there, or "
		       "name its socket",
		       name_of(a), said);
}

/* What the daemon says it could not do: {"error": "..."}, or plain text. */
static int refused(const struct http_answer *answer, struct err *e)
{
	char shown[SHOWN_MAX];
	json_t *j = NULL;
	const char *text;
	int code = answer->status == 404 ? ERR_NOT_FOUND : ERR_REFUSED;

	if (answer->status == 401)
		return err_set(e, code,
			       "baileyd wants a token that it knows; put it into a file of "
			       "mode 600 and name that in BAILEY_TOKEN_FILE");
	if (json_parse(answer->body.p, answer->body.n, API_REPLY_MAX, "reply", &j, NULL) < 0)
		j = NULL;
	text = j ? json_get_str(j, "error", NULL) : NULL;
	if (text)
		code = err_set(e, code, "%s", str_escape(shown, sizeof(shown), text, strlen(text)));
	else if (answer->body.n && answer->body.n < sizeof(shown) / 2 && answer->body.p[0] != '<') {
		code = err_set(e, code, "%s",
			       str_escape(shown, sizeof(shown), answer->body.p, answer->body.n));
	} else {
		code = err_set(e, code, "baileyd answered with HTTP status %d", answer->status);
	}
	json_decref(j);
	return code;
}

/*
 * A whole reply is read from the connection that was made; one that comes in pieces is left to
 * libcurl, which makes its own, once it is known that there is somebody to connect to.
 */
static int ask(const struct api *a, struct http_call_options *o, struct http_answer *answer,
	       struct err *e)
{
	int rc, fd = -1;

	o->bearer = a->token;
	o->ca_file = a->ca_file;
	if (!a->url) {
		fd = dial(a, e);
		if (fd < 0)
			return fd;
	}
	o->fd = fd;
	if (!a->url && o->on_body) {
		o->unix_path = a->socket;
		o->fd = fd_close(fd);
	}
	rc = http_call_wait(o, answer, e);
	/* it took the call and did not answer it: it is going, or gone */
	return rc == 0 ? 0 : no_answer(a, rc, e);
}

int api_call(const struct api *a, const char *method, const json_t *params, json_t **ret,
	     struct err *e)
{
	auto_free char *text = params ? json_compact(params) : NULL;
	const char *body = text ? text : "{}";
	struct http_answer answer = { .body = BUF_MAX(API_REPLY_MAX) };
	char url[URL_MAX];
	struct http_call_options o = {
		.method = "POST",
		.url = url,
		.content_type = "application/json",
		.body = body,
		.n_body = strlen(body),
		.reply_max = API_REPLY_MAX,
		.timeout_ms = API_TIMEOUT_MS,
	};
	int rc;

	if (str_format(url, sizeof(url), "%s/prpc/%s?json", base_of(a), method) < 0)
		return err_set(e, ERR_INPUT, "the name of the method is too long");
	rc = ask(a, &o, &answer, e);
	if (rc == 0 && answer.status != 200)
		rc = refused(&answer, e);
	else if (rc == 0 && ret)
		rc = json_parse(answer.body.p, answer.body.n, API_REPLY_MAX, "baileyd's reply", ret,
				e);
	buf_deinit(&answer.body);
	return rc;
}

int api_call_id(const struct api *a, const char *method, const char *id, struct err *e)
{
	json_t *params = json_pack("{s:s}", "id", id);
	int rc = api_call(a, method, params, NULL, e);

	json_decref(params);
	return rc;
}

struct stream {
	int (*on_body)(const void *p, size_t n, void *arg);
	void *arg;
	int stopped; /* what on_body said to end the call */
};

static int on_bytes(const void *p, size_t n, void *arg)
{
	struct stream *s = arg;

	s->stopped = s->on_body(p, n, s->arg);
	return s->stopped;
}

int api_get(const struct api *a, const char *path,
	    int (*on_body)(const void *p, size_t n, void *arg), void *arg, struct err *e)
{
	struct stream s = { .on_body = on_body, .arg = arg };
	struct http_answer answer = { .body = BUF_MAX(API_REPLY_MAX) };
	char url[URL_MAX];
	struct http_call_options o = {
		.method = "GET",
		.url = url,
		.timeout_ms = API_TIMEOUT_MS,
		.on_body = on_bytes,
		.arg = &s,
	};
	int rc;

	if (str_format(url, sizeof(url), "%s%s", base_of(a), path) < 0)
		return err_set(e, ERR_INPUT, "the path to ask for is too long");
	rc = ask(a, &o, &answer, e);
	if (s.stopped < 0)
		rc = s.stopped;
	else if (rc == 0 && answer.status != 200)
		rc = refused(&answer, e);
	buf_deinit(&answer.body);
	return rc;
}

static int bad_reply(struct err *e)
{
	return err_set(e, ERR_PROTO,
		       "baileyd's reply to Status is not what was expected; are bailey and "
		       "baileyd of one version?");
}

static int status(const struct api *a, json_t *params, json_t **ret, struct err *e)
{
	json_t *reply = NULL, *vms;
	int rc = api_call(a, "Status", params, &reply, e);

	json_decref(params);
	if (rc < 0)
		return rc;
	vms = json_object_get(reply, "vms");
	if (json_is_array(vms))
		*ret = json_incref(vms);
	else
		rc = bad_reply(e);
	json_decref(reply);
	return rc;
}

int api_vms(const struct api *a, int brief, json_t **ret, struct err *e)
{
	return status(a, json_pack("{s:b}", "brief", brief), ret, e);
}

int api_vm(const struct api *a, const char *id, int brief, json_t **ret, struct err *e)
{
	json_t *vms = NULL;
	int rc = status(a, json_pack("{s:[s], s:b}", "ids", id, "brief", brief), &vms, e);

	if (rc < 0)
		return rc;
	if (json_array_size(vms) == 1)
		*ret = json_incref(json_array_get(vms, 0));
	else
		rc = err_set(e, ERR_NOT_FOUND, "the VM %s is gone", id);
	json_decref(vms);
	return rc;
}
