/* SPDX-License-Identifier: Apache-2.0 */
/* bailey-kms: a key service: guests prove what they are and get their keys */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/service_main.h"
#include "base/str.h"
#include "data/json.h"
#include "kms/authoriser.h"
#include "kms/bootstrap.h"
#include "kms/config.h"
#include "kms/isolate.h"
#include "kms/kms.h"
#include "kms/onboard.h"
#include "kms/server.h"
#include "loop/listen.h"

enum { PRINT_MAX = 1024 * 1024, THREADS_WAITING = 32, THREADS_SPARE = 2, LARGE = 4 << 20 };

static const char help[] =
	"usage: bailey-kms [COMMAND] --config FILE [--check-config | --print-config]\n"
	"\n"
	"Gives apps in confidential VMs their keys, after they proved what they are.\n"
	"\n"
	"commands:\n"
	"  bootstrap           make root keys, and exit\n"
	"  onboard URL         fetch root keys from another key service, and exit\n"
	"\n"
	"  -c, --config FILE   read FILE (YAML; see bailey-kms.yaml(5))\n"
	"      --check-config  say whether FILE, and the allow-list it names, are right; exit\n"
	"      --print-config  show what is in effect, and exit\n"
	"  -V, --version       show the version, and exit\n"
	"  -h, --help          show this, and exit\n";

static const struct service_program program = { .name = "bailey-kms", .help = help };

/* Words are a command: bootstrap, or onboard with a URL. */
static bool is_known(const struct service_command *c)
{
	if (!c->file)
		return false;
	if (c->n_words == 0)
		return true;
	if (c->action != SERVICE_SERVE || c->n_words > 2)
		return false;
	return str_equal(c->words[0], c->n_words == 2 ? "onboard" : "bootstrap");
}

/*
 * A thread that waits for a webhook costs nothing but itself.  Without one there are not many more than may verify at
 * once: work goes round all threads of the pool, and one that slept has cold caches and memory of its own.  What an
 * attestation is read into, some 300 KiB, is not to be asked of the kernel and given back each time.
 */
static void prepare_process(const struct kms_config *c)
{
	char threads[16];

	(void)str_format(threads, sizeof(threads), "%u",
			 c->webhook ? THREADS_WAITING : c->verifications + THREADS_SPARE);
	(void)setenv("UV_THREADPOOL_SIZE", threads, 1);
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, 4 * LARGE);
	(void)umask(077);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	isolate_early();
}

/* The sockets, made while we may; -1: none. */
struct sockets {
	int service[KMS_CONFIG_LISTEN_MAX], admin;
};

static int listen_all(const struct kms_config *c, struct sockets *s, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->n_listen && rc >= 0; i++)
		rc = s->service[i] = listen_tcp(c->listen[i], e);
	if (rc >= 0 && c->admin_listen)
		rc = s->admin = listen_tcp(c->admin_listen, e);
	return rc < 0 ? rc : 0;
}

static int get_keys(struct kms *k, struct err *e)
{
	const struct kms_config *c = k->config;
	int fd, rc = kms_load(k, e);

	if (rc != 0)
		return rc;
	if (c->auto_bootstrap) {
		rc = bootstrap_make(k, e);
		return rc < 0 ? rc : kms_load(k, e);
	}
	if (!c->onboard_token)
		return err_set(
			e, ERR_MISSING,
			"there are no root keys in %s; run bailey-kms bootstrap, or onboard, "
			"or set onboard.auto_bootstrap or onboard.token_file",
			c->state);
	fd = listen_tcp(c->onboard_listen, e);
	if (fd < 0)
		return fd;
	log_info("kms: there are no root keys; the onboarding service is on %s", c->onboard_listen);
	return onboard_run(k, fd, e);
}

struct serving {
	struct server server;
	uv_signal_t signals[2];
};

static void on_signal(uv_signal_t *h, int sig)
{
	struct serving *s = h->data;
	size_t i;

	log_info("kms: %s: ending", sig == SIGTERM ? "SIGTERM" : "SIGINT");
	notify("STOPPING=1");
	server_stop(&s->server);
	for (i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
}

static int serve_loop(struct kms *k, struct sockets *s, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct serving *v = xnew(struct serving);
	uv_loop_t loop;
	size_t i;
	int rc;

	if (uv_loop_init(&loop) < 0)
		abort(); /* out of memory */
	rc = server_start(&v->server, k, &loop, s->service, k->config->n_listen, s->admin, e);
	for (i = 0; i < 2 && rc == 0; i++) {
		(void)uv_signal_init(&loop, &v->signals[i]);
		v->signals[i].data = v;
		(void)uv_signal_start(&v->signals[i], on_signal, signals[i]);
	}
	if (rc == 0) {
		log_info("kms: ready on %s", k->config->listen[0]);
		notify("READY=1\nSTATUS=serving");
	} else {
		server_stop(&v->server);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop) < 0)
		log_warn("kms: something was left open at the end");
	server_deinit(&v->server);
	free(v);
	return rc;
}

static int serve(const struct kms_config *c, struct err *e)
{
	struct sockets s = { { -1, -1, -1, -1, -1, -1, -1, -1 }, -1 };
	struct kms *k = xnew(struct kms);
	int rc = listen_all(c, &s, e);

	if (rc == 0)
		rc = isolate_user(c, e);
	if (rc == 0) {
		rc = kms_open(k, c, e);
		if (rc == 0)
			rc = get_keys(k, e);
		if (rc > 0)
			rc = kms_prepare(k, e);
		else if (rc == 0)
			rc = 1; /* a signal, before there were keys */
		if (rc == 0)
			rc = serve_loop(k, &s, e);
		kms_close(k);
	}
	free(k);
	return rc < 0 ? rc : 0;
}

/* Make or fetch keys, and no more. */
static int begin(const struct kms_config *c, const char *url, struct err *e)
{
	struct kms *k = xnew(struct kms);
	int rc = isolate_user(c, e);

	if (rc == 0) {
		rc = kms_open(k, c, e);
		if (rc == 0)
			rc = url ? bootstrap_fetch(k, url, e) : bootstrap_make(k, e);
		kms_close(k);
	}
	free(k);
	return rc;
}

static int check(const struct kms_config *c, struct err *e)
{
	struct authoriser *a = NULL;
	int rc = authoriser_new(c, &a, e);

	authoriser_free(a);
	return rc < 0 ? rc : printf("configuration is valid\n") < 0 ? -EIO : 0;
}

static int print(const struct kms_config *c, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(PRINT_MAX);

	kms_config_print(c, &b);
	return fwrite(b.p, 1, b.n, stdout) == b.n ? 0 : err_set(e, -EIO, "cannot write");
}

static int run(const struct service_command *command)
{
	struct kms_config *c = NULL;
	struct err e = ERR_NONE;
	int rc;

	json_wipe_on_free();
	rc = kms_config_load(command->file, &c, &e);
	if (rc < 0) {
		(void)fprintf(stderr, "bailey-kms: %s\n", e.text);
		return EXIT_FAILURE;
	}
	log_init(command->action == SERVICE_CHECK ? LOG_LEVEL_ERROR : c->log);
	prepare_process(c);
	if (command->action == SERVICE_PRINT)
		rc = print(c, &e);
	else if (command->action == SERVICE_CHECK)
		rc = check(c, &e);
	else if (command->n_words > 0)
		rc = begin(c, command->words[1], &e); /* NULL without a URL, as argv ends */
	else
		rc = serve(c, &e);
	if (rc < 0)
		log_error("bailey-kms: %s", e.text);
	kms_config_free(c);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct service_command c;

	if (!service_main_read(&program, argc, argv, &c))
		return c.exit_code;
	return is_known(&c) ? run(&c) : service_main_misused(&program);
}
