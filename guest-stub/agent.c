/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vm_sockets.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "guest-stub/about.h"
#include "guest-stub/app_api.h"
#include "guest-stub/app_cert.h"
#include "guest-stub/attest.h"
#include "guest-stub/boot.h"
#include "guest-stub/cert_client.h"
#include "guest-stub/emitting.h"
#include "guest-stub/guest_api.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/keyring.h"
#include "guest-stub/machine.h"
#include "guest-stub/pages.h"
#include "guest-stub/port.h"
#include "guest-stub/quoting.h"
#include "guest-stub/worker_api.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "loop/rate.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

#define TOO_OFTEN                                                                                  \
	"evidence is asked for from this address more often than once a second, try again later"

enum {
	PAGE_MAX = 32 * 1024 * 1024,
	CONNS_MAX = 64,
	SOCKET_MODE = 0666,	 /* whatever runs in the guest is the app */
	SHUTDOWN_DELAY_MS = 200, /* so that the answer is out before PID 1 acts */
};

/* Where things are. */
struct place {
	const char *state, *log, *share; /* folders */
	const char *dstack, *tappd;	 /* sockets */
	const char *external;		 /* NULL: TCP, and the host by vsock */
};

static const struct place in_guest = {
	.state = BOOT_STATE_DIR,
	.log = BOOT_LOG_DIR,
	.share = BOOT_SHARE_DIR,
	.dstack = "/run/dstack.sock",
	.tappd = "/run/tappd.sock",
};

/* One of the two ways to the public port. */
struct face {
	struct agent *agent;
	struct attest attest; /* with the key of TLS, where there is one */
};

struct agent {
	uv_loop_t loop;
	uv_timer_t shutdown_timer;
	struct place place;
	struct about about;
	struct guest_tee tee;
	struct quoting quotes;
	struct keyring keys;
	struct emitting events;
	struct app_cert app_cert;
	struct attest attest;
	struct guest_api guest_api;
	struct face plain, secure;
	struct port port;
	struct rate_table evidence; /* asked for, by address */
	struct http_server *host, *anybody, *dstack, *tappd;
};

static const struct http_header headers[] = {
	{ "X-App-Version", "v" DSTACK_VERSION " (bailey " BAILEY_VERSION ")" },
	{ "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ NULL, NULL },
};

static void refuse(struct http_request *r, int status, const char *text)
{
	http_reply(r, status, "text/plain; charset=utf-8", text, strlen(text), headers);
}

static void answer(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	http_reply(arg, status, content_type, body, n, headers);
}

/* ---- the host ---- */

static void tell_init(const char *what)
{
	if (send(AGENT_CONTROL_FD, what, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
		log_error("agent: init cannot be told '%s'", what);
}

static void on_shutdown_timer(uv_timer_t *t)
{
	(void)t;
	tell_init("S");
}

static void on_shutdown(void *arg)
{
	struct agent *a = arg;

	log_info("agent: the host asks to shut down");
	(void)uv_timer_start(&a->shutdown_timer, on_shutdown_timer, SHUTDOWN_DELAY_MS, 0);
}

static void on_host_request(struct http_request *r, void *arg)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_HOST };
	struct agent *a = arg;

	if (http_request_cid(r) != VMADDR_CID_HOST)
		refuse(r, 403, "only the host may ask\n");
	else if (!rpc_http_handle(&guest_api_service, &a->guest_api, "/api/", r, &peer))
		refuse(r, 404, "not found\n");
}

/* ---- the app ---- */

static void on_dstack_request(struct http_request *r, void *arg)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_ANYONE };
	struct agent *a = arg;

	if (!rpc_http_handle(&app_api_dstack, &a->attest, "/", r, &peer))
		refuse(r, 404, "not found\n");
}

static void on_tappd_request(struct http_request *r, void *arg)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_ANYONE };
	struct agent *a = arg;

	if (!rpc_http_handle(&app_api_tappd, &a->attest, "/prpc/", r, &peer))
		refuse(r, 404, "not found\n");
}

/* ---- anybody ---- */

static void reply_page(struct http_request *r, int failed, const char *type, const struct buf *b)
{
	if (failed < 0)
		refuse(r, 500, "the page does not fit\n");
	else
		http_reply(r, 200, type, b->p, b->n, headers);
}

static void dashboard(struct agent *a, struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(PAGE_MAX);
	struct machine_system m;

	if (a->about.public_sysinfo)
		machine_system_now(&m);
	reply_page(r, pages_dashboard(&a->about, a->about.public_sysinfo ? &m : NULL, &b),
		   "text/html; charset=utf-8", &b);
}

static void metrics(struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(PAGE_MAX);
	struct machine_system m;

	machine_system_now(&m);
	reply_page(r, pages_metrics(&m, &b), "text/plain; version=0.0.4; charset=utf-8", &b);
}

static bool is_too_often(struct agent *a, struct http_request *r, const char *method)
{
	bool has_quote =
		str_ends(method, "GetEvidence") || str_ends(method, "GetAttestationForAppKey");

	return has_quote && !rate_table_take(&a->evidence, http_request_from(r), time_mono_ms());
}

/* rpc_http_handle() with our headers. */
static void worker(struct face *f, struct http_request *r, const char *method, bool is_get)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_ANYONE };
	struct rpc_request q = { .method = method, .is_get = is_get };

	q.query = http_request_query(r);
	q.content_type = http_request_header(r, "Content-Type");
	q.body = http_request_body(r, &q.n_body);
	if (http_request_too_large(r))
		rpc_refuse(&q, RPC_TOO_LARGE, answer, r);
	else if (is_too_often(f->agent, r, method))
		rpc_refuse(&q, TOO_OFTEN, answer, r);
	else
		rpc_dispatch(&worker_api_service, &f->attest, &peer, &q, answer, r);
}

static void on_request(struct http_request *r, void *arg)
{
	const char *path = http_request_path(r), *verb = http_request_method(r);
	bool is_get = str_equal(verb, "GET") || str_equal(verb, "HEAD");
	struct face *f = arg;
	struct agent *a = f->agent;

	if (!is_get && !str_equal(verb, "POST"))
		refuse(r, 405, "GET or POST\n");
	else if (str_starts(path, "/prpc/"))
		worker(f, r, path + strlen("/prpc/"), is_get);
	else if (is_get && str_equal(path, "/"))
		dashboard(a, r);
	else if (is_get && str_equal(path, "/metrics") && a->about.public_sysinfo)
		metrics(r);
	else
		refuse(r, 404, "not found\n");
}

/* ---- start ---- */

static int serve_host(struct agent *a, struct err *e)
{
	const struct http_server_options o = {
		.conns_max = CONNS_MAX,
		.body_max = AGENT_BODY_MAX,
		.on_request = on_host_request,
		.arg = a,
	};
	int r, fd = listen_vsock(VMADDR_CID_ANY, AGENT_VSOCK_PORT, e);

	if (fd == ERR_MISSING) {
		/* a machine without vsock still has its public page */
		log_warn("agent: %s", e->text);
		return 0;
	}
	if (fd < 0)
		return fd;
	r = http_server_start(&a->host, &a->loop, &o, e);
	return r ? r : http_server_listen(a->host, fd, NULL, 0, e);
}

static struct http_server_options public_options(struct face *f)
{
	return (struct http_server_options){
		.conns_max = CONNS_MAX,
		.body_max = AGENT_BODY_MAX,
		.ip_rate_per_s = AGENT_IP_RATE,
		.ip_burst = AGENT_IP_BURST,
		.on_request = on_request,
		.arg = f,
	};
}

/* From now on the public port speaks TLS, too, and evidence that is asked for by it names the key. */
static void on_cert(struct app_cert *c)
{
	struct agent *a = c->arg;
	struct http_server_options o = public_options(&a->secure);
	struct err e = ERR_NONE;

	a->secure = (struct face){ .agent = a, .attest = a->attest };
	a->secure.attest.tls_key = c->spki;
	a->secure.attest.n_tls_key = sizeof(c->spki);
	o.tls_cert = c->text;
	o.tls_key = c->key;
	o.ip_conns_max = AGENT_IP_TLS;
	if (http_server_start(&a->port.secure, &a->loop, &o, &e) < 0)
		log_warn("agent: the public port speaks no TLS: %s", e.text);
}

static int serve_anybody(struct agent *a, struct err *e)
{
	const struct http_server_options o = public_options(&a->plain);
	char address[32];
	int r, fd;

	(void)str_format(address, sizeof(address), "0.0.0.0:%d", AGENT_TCP_PORT);
	fd = a->place.external ? listen_unix(a->place.external, SOCKET_MODE, e)
			       : listen_tcp(address, e);
	if (fd < 0)
		return fd;
	a->plain = (struct face){ .agent = a, .attest = a->attest };
	r = http_server_start(&a->anybody, &a->loop, &o, e);
	if (r < 0) {
		(void)fd_close(fd);
		return r;
	}
	r = port_start(&a->port, &a->loop, fd, a->anybody, e);
	if (r == 0)
		(void)app_cert_text(&a->app_cert); /* asks for it */
	return r;
}

static int serve_app(struct agent *a, const char *path, struct http_server **server,
		     void (*on_request_)(struct http_request *r, void *arg), struct err *e)
{
	const struct http_server_options o = {
		.conns_max = CONNS_MAX,
		.body_max = AGENT_BODY_MAX,
		.on_request = on_request_,
		.arg = a,
	};
	int r, fd = listen_unix(path, SOCKET_MODE, e);

	if (fd < 0)
		return fd;
	r = http_server_start(server, &a->loop, &o, e);
	return r ? r : http_server_listen(*server, fd, NULL, 0, e);
}

/* Images link /var/run to /run or have neither; the SDKs look at both. */
static void link_var_run(void)
{
	(void)mkdir("/var", 0755);
	if (symlink("/run", "/var/run") < 0 && errno != EEXIST)
		log_warn("agent: /var/run: %s", err_name(-errno));
}

static int open_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, errno, "open %s", path) : fd;
}

static struct cert_client *certs_of(struct agent *a)
{
	const struct cert_client_args args = {
		.loop = &a->loop,
		.keys = &a->keys.file,
		.tee = &a->tee,
		.quotes = &a->quotes,
		.about = &a->about,
	};

	return a->keys.has_keys ? cert_client_new(&args) : NULL;
}

static int load(struct agent *a, struct err *e)
{
	int log = open_dir(a->place.log, e); /* kept: quotes need it */
	auto_close int share = log < 0 ? log : open_dir(a->place.share, e);
	int r = share < 0 ? share : 0;
	uint64_t key;

	if (r == 0)
		r = about_load(a->place.state, a->place.log, a->place.share, &a->about, e);
	if (r == 0)
		r = keyring_load(share, &a->keys, e);
	if (r == 0)
		r = guest_tee_init(&a->tee, share, log, e);
	if (r == 0)
		r = about_measure(&a->about, &a->tee, e);
	if (r < 0)
		return r;
	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return err_errno(e, errno, "getrandom");
	rate_table_init(&a->evidence, AGENT_EVIDENCE_RATE, AGENT_EVIDENCE_BURST, key);
	quoting_init(&a->quotes, &a->loop, &a->tee.tee, log);
	a->events = (struct emitting){
		.loop = &a->loop, .tee = &a->tee, .about = &a->about, .log = log
	};
	a->attest = (struct attest){
		.about = &a->about,
		.tee = &a->tee,
		.quotes = &a->quotes,
		.keys = &a->keys,
		.events = &a->events,
		.certs = certs_of(a),
		.app_cert = &a->app_cert,
	};
	a->app_cert = (struct app_cert){ .certs = a->attest.certs, .on_ready = on_cert, .arg = a };
	a->guest_api = (struct guest_api){ &a->about, on_shutdown, a, &a->app_cert };
	return 0;
}

static int serve(struct agent *a, struct err *e)
{
	int r = serve_app(a, a->place.dstack, &a->dstack, on_dstack_request, e);

	if (r == 0)
		r = serve_app(a, a->place.tappd, &a->tappd, on_tappd_request, e);
	if (r == 0 && !a->place.external)
		r = serve_host(a, e);
	return r ? r : serve_anybody(a, e);
}

/* All in one folder; the paths live as long as the agent. */
static struct place in_folder(const char *folder)
{
	return (struct place){
		.state = folder,
		.log = folder,
		.share = folder,
		.dstack = xasprintf("%s/dstack.sock", folder),
		.tappd = xasprintf("%s/tappd.sock", folder),
		.external = xasprintf("%s/external.sock", folder),
	};
}

int agent_run(const char *folder)
{
	static struct agent a;
	struct err e = ERR_NONE;
	int r;

	log_init(LOG_LEVEL_INFO);
	a.place = folder ? in_folder(folder) : in_guest;
	if (!folder)
		link_var_run();
	r = uv_loop_init(&a.loop);
	if (r < 0)
		(void)err_set(&e, r, "%s", uv_strerror(r));
	if (r == 0)
		r = load(&a, &e);
	if (r == 0) {
		(void)uv_timer_init(&a.loop, &a.shutdown_timer);
		r = serve(&a, &e);
	}
	if (r < 0) {
		log_error("agent: %s", e.text);
		return 1;
	}
	if (!folder)
		tell_init("R");
	return uv_run(&a.loop, UV_RUN_DEFAULT) ? 1 : 0; /* until killed */
}
