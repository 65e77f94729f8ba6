/* SPDX-License-Identifier: Apache-2.0 */
/* bailey-gateway: brings HTTPS clients to apps: ends their TLS, or passes it on */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/privileges.h"
#include "base/service_main.h"
#include "data/conf.h"
#include "data/json.h"
#include "gateway/admin_rpc.h"
#include "gateway/config.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/register.h"
#include "gateway/wg_key.h"

enum { PRINT_MAX = 256 * 1024 };

static const char help[] =
	"usage: bailey-gateway --config FILE [--check-config]\n"
	"       bailey-gateway --print-config\n"
	"\n"
	"Brings HTTPS clients to apps; see bailey-gateway(8).\n"
	"\n"
	"  -c, --config FILE   read FILE (YAML)\n"
	"      --check-config  say whether FILE is right, and exit\n"
	"      --print-config  show every key with its default and meaning, and exit\n"
	"  -V, --version       show the version, and exit\n"
	"  -h, --help          show this, and exit\n"
	"\n"
	"SIGHUP reads configuration, certificates and routes again; SIGTERM drains, a second one "
	"ends at once.\n";

static const struct service_program program = { .name = "bailey-gateway", .help = help };

struct program {
	struct gateway gateway;
	struct register_server registration;
	struct admin_rpc admin;
};

static void prepare_process(void)
{
	struct rlimit files;

	privileges_close_memory();
	(void)umask(027);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Without it no tunnel works; what needs none does.  Somebody may still make it. */
static void make_interface(const struct gw_config *c)
{
	struct err e = ERR_NONE;

	if (wg_key_interface(&c->registration, &e) < 0) {
		log_error(
			"gateway: there is no WireGuard interface '%s', and it cannot be made: %s",
			c->registration.interface, e.text);
	}
}

/* gateway_open() gives rights up: before it is what only root may do. */
static int start_all(struct program *p, uv_loop_t *loop, const struct gw_config *c, struct err *e)
{
	struct gateway *g = &p->gateway;
	int rc = admin_rpc_open(&p->admin, c, e);

	make_interface(c);
	if (!rc)
		rc = gateway_open(g, loop, c, e);
	if (!rc)
		rc = register_open(&p->registration, g, c, e);
	if (!rc)
		rc = gateway_start(g, e);
	if (!rc)
		rc = identity_start(&g->identity, loop, c, e);
	if (!rc)
		rc = register_start(&p->registration, loop, e);
	if (!rc)
		rc = admin_rpc_start(&p->admin, g, &p->registration, loop, e);
	return rc;
}

static void start(struct program *p, uv_loop_t *loop, const struct gw_config *c)
{
	struct err e = ERR_NONE;

	p->gateway.loop = loop;
	p->gateway.access_fd = -1;
	p->registration.file = REGISTRY_FILE_NULL;
	if (start_all(p, loop, c, &e) == 0)
		return;
	log_error("bailey-gateway: %s", e.text);
	gateway_give_up(&p->gateway);
}

static int serve(const struct gw_config *c)
{
	static struct program p;
	uv_loop_t loop;
	int code;

	prepare_process();
	log_init(c->log);
	if (uv_loop_init(&loop) < 0)
		return EXIT_FAILURE;
	start(&p, &loop, c);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	code = p.gateway.exit_code;
	gateway_deinit(&p.gateway);
	register_close(&p.registration);
	admin_rpc_close(&p.admin);
	if (uv_loop_close(&loop) < 0)
		log_warn("bailey-gateway: something was left open at the end");
	return code;
}

static int print(void)
{
	auto_buf struct buf b = BUF_MAX(PRINT_MAX);

	if (conf_describe(gw_config_table, &b) < 0)
		return EXIT_FAILURE;
	return fwrite(b.p, 1, b.n, stdout) == b.n ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(enum service_action a, const char *file)
{
	struct gw_config *c = NULL;
	struct err e = ERR_NONE;
	int code = EXIT_SUCCESS;

	if (a == SERVICE_PRINT)
		return print();
	if (gw_config_load(file, &c, &e)) {
		(void)fprintf(stderr, "bailey-gateway: %s\n", e.text);
		return EXIT_FAILURE;
	}
	if (a == SERVICE_SERVE)
		code = serve(c);
	gw_config_unref(c);
	return code;
}

int main(int argc, char **argv)
{
	struct service_command c;

	json_wipe_on_free(); /* keys come from the guest's agent in JSON */
	if (!service_main_read(&program, argc, argv, &c))
		return c.exit_code;
	if (c.n_words > 0 || (!c.file && c.action != SERVICE_PRINT))
		return service_main_misused(&program);
	return run(c.action, c.file);
}
