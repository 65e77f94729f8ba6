/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_transfer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/http_client.h"

enum { TIMEOUT_MS = 60 * 1000, PROGRESS_STOP = 1, HEAD_MAX = 256 * 1024 };
static const size_t reply_max_default = (size_t)10 * 1024 * 1024;

static void global_init(void)
{
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (rc != CURLE_OK)
		abort(); /* out of memory, or no TLS: nothing can be called */
}

/* A file of libcurl's: an error status of a streamed call is collected like any other. */
static size_t on_write(char *p, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	long status = 0;

	n *= size;
	t->has_begun = true;
	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->on_body && status >= 200 && status < 300)
		return t->on_body(p, n, t->arg) < 0 ? 0 : n;
	if (buf_add(&t->body, p, n) == 0)
		return n;
	t->is_over_limit = true;
	return 0;
}

/* A line, with its end.  libcurl 7.88 limits each line, not how many there are. */
static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	size_t n_line;

	n *= size;
	t->n_head += n;
	t->is_head_over_limit = t->n_head > HEAD_MAX;
	if (t->is_head_over_limit)
		return 0;
	for (n_line = n; n_line > 0 && (p[n_line - 1] == '\n' || p[n_line - 1] == '\r');)
		n_line--;
	return t->on_header && t->on_header(p, n_line, t->arg) < 0 ? 0 : n;
}

/* For streamed calls: no time limit once the first byte is there. */
static int on_progress(void *arg, curl_off_t dl_all, curl_off_t dl, curl_off_t ul_all,
		       curl_off_t ul)
{
	const struct http_transfer *t = arg;

	(void)dl_all;
	(void)dl;
	(void)ul_all;
	(void)ul;
	return !t->has_begun && time_mono_ms() - t->begun_ms > t->timeout_ms ? PROGRESS_STOP : 0;
}

static void add_header(struct http_transfer *t, const char *text)
{
	struct curl_slist *more = curl_slist_append(t->headers, text);

	if (!more)
		abort(); /* out of memory */
	t->headers = more;
}

static void set_content(struct http_transfer *t, const struct http_call_options *o)
{
	if (o->content_type) {
		auto_free char *text = xasprintf("Content-Type: %s", o->content_type);

		add_header(t, text);
	} else {
		add_header(t, "Content-Type:"); /* none, not libcurl's own idea */
	}
	add_header(t, "Expect:");
	if (o->bearer) {
		auto_free char *text = xasprintf("Authorization: Bearer %s", o->bearer);

		add_header(t, text);
		explicit_bzero(text, strlen(text));
	}
	(void)curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	if (strcmp(o->method, "HEAD") == 0) {
		(void)curl_easy_setopt(t->curl, CURLOPT_NOBODY, 1L);
	} else if (o->body || strcmp(o->method, "GET") != 0) {
		(void)curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->n_body);
		(void)curl_easy_setopt(t->curl, CURLOPT_COPYPOSTFIELDS, o->body ? o->body : "");
		(void)curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, o->method);
	}
}

/* TLS with whom it may be; take_certificate() then says with whom it was. */
static void set_any_certificate(struct http_transfer *t, struct buf *ret)
{
	t->certificate = ret;
	(void)curl_easy_setopt(t->curl, CURLOPT_CERTINFO, 1L);
	(void)curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYPEER, 0L);
	(void)curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static int take_certificate(struct http_transfer *t, struct err *e)
{
	static const char key[] = "Cert:";
	struct curl_certinfo *info = NULL;
	const struct curl_slist *l = NULL;

	(void)curl_easy_getinfo(t->curl, CURLINFO_CERTINFO, &info);
	if (info && info->num_of_certs > 0)
		l = info->certinfo[0];
	while (l && !str_starts(l->data, key))
		l = l->next;
	if (!l || buf_add_str(t->certificate, l->data + sizeof(key) - 1) < 0)
		return err_set(e, ERR_PROTO, "%s: it showed no certificate that can be kept",
			       t->name);
	return 0;
}

static void set_time(struct http_transfer *t)
{
	if (!t->on_body) {
		(void)curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms);
		return;
	}
	(void)curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)t->timeout_ms);
	(void)curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
	(void)curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
}

int http_transfer_new(struct http_transfer **ret, const struct http_call_options *o, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_transfer *t = xnew(struct http_transfer);
	CURLcode rc;

	(void)pthread_once(&once, global_init);
	t->body = BUF_MAX(o->reply_max ? o->reply_max : reply_max_default);
	t->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	t->begun_ms = time_mono_ms();
	t->on_body = o->on_body;
	t->on_header = o->on_header;
	t->arg = o->arg;
	t->name = xasprintf("%s %s", o->method, o->unix_path ? o->unix_path : o->url);
	t->curl = curl_easy_init();
	if (!t->curl)
		abort(); /* out of memory */
	rc = curl_easy_setopt(t->curl, CURLOPT_URL, o->url);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (rc == CURLE_OK && o->unix_path)
		rc = curl_easy_setopt(t->curl, CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
	if (rc == CURLE_OK && o->user_agent)
		rc = curl_easy_setopt(t->curl, CURLOPT_USERAGENT, o->user_agent);
	if (rc == CURLE_OK && o->ca_file)
		rc = curl_easy_setopt(t->curl, CURLOPT_CAINFO, o->ca_file);
	if (o->certificate)
		set_any_certificate(t, o->certificate);
	(void)curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	if (!o->may_proxy)
		(void)curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(t->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(t->curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(t->curl, CURLOPT_FORBID_REUSE, 1L);
	(void)curl_easy_setopt(t->curl, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver */
	(void)curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->why);
	(void)curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, on_head);
	(void)curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, t);
	set_content(t, o);
	set_time(t);
	if (rc != CURLE_OK) {
		(void)err_set(e, ERR_INPUT, "%s: %s", t->name, curl_easy_strerror(rc));
		http_transfer_free(t);
		return ERR_INPUT;
	}
	*ret = t;
	return 0;
}

static int failure(struct http_transfer *t, CURLcode code, struct err *e)
{
	long os_errno = 0;

	if (t->is_over_limit)
		return err_set(e, ERR_LIMIT, "%s: the answer has more than %zu bytes", t->name,
			       t->body.max);
	if (t->is_head_over_limit)
		return err_set(e, ERR_LIMIT, "%s: the answer's head has more than %d bytes",
			       t->name, (int)HEAD_MAX);
	if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(e, -ETIMEDOUT, "%s: no answer within %u ms", t->name, t->timeout_ms);
	if (code == CURLE_WRITE_ERROR)
		return err_set(e, -ECANCELED, "%s: stopped", t->name);
	(void)curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (code == CURLE_COULDNT_CONNECT && os_errno > 0)
		return err_errno(e, (int)os_errno, "%s", t->name);
	return err_set(e, code == CURLE_URL_MALFORMAT ? ERR_INPUT : ERR_PROTO, "%s: %s", t->name,
		       t->why[0] ? t->why : curl_easy_strerror(code));
}

int http_transfer_result(struct http_transfer *t, CURLcode code, struct http_answer *ret,
			 struct err *e)
{
	const char *type = NULL;
	long status = 0;

	if (code != CURLE_OK)
		return failure(t, code, e);
	if (t->certificate && take_certificate(t, e) < 0)
		return ERR_PROTO;
	*ret = (struct http_answer){ 0 };
	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
	ret->status = (int)status;
	if (type)
		(void)str_copy(ret->content_type, sizeof(ret->content_type), type);
	ret->body = t->body;
	t->body = BUF_MAX(0);
	return 0;
}

void *http_transfer_free(struct http_transfer *t)
{
	struct curl_slist *h;

	if (!t)
		return NULL;
	curl_easy_cleanup(t->curl);
	for (h = t->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data)); /* one may be a token */
	curl_slist_free_all(t->headers);
	buf_deinit(&t->body);
	free(t->name);
	free(t);
	return NULL;
}
