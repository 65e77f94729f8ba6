/* SPDX-License-Identifier: Apache-2.0 */
/* bailey-key-provider: gives guests of this host the keys of what they measure, where no enclave does */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/privileges.h"
#include "base/service_main.h"
#include "base/str.h"
#include "data/json.h"
#include "key-provider/config.h"
#include "key-provider/journal.h"
#include "key-provider/judge.h"
#include "key-provider/keys.h"
#include "key-provider/peer_name.h"
#include "key-provider/server.h"
#include "loop/listen.h"

#define NAME "bailey-key-provider"
#define UNIX "unix:"

enum { PRINT_MAX = 64 * 1024, SOCKET_MODE = 0660, ID_HEX = 2 * KEYS_ID_SIZE + 1 };

static const char help[] =
	"usage: " NAME " [--config FILE] [id | --check-config | --print-config]\n"
	"\n"
	"Gives guests the keys of what they measure, sealed to them and signed, for hosts without\n"
	"SGX.  Who is root on this host can have those keys, too: see " NAME "(8).\n"
	"\n"
	"  id                  show what an app pins as key_provider_id, and exit\n"
	"\n"
	"  -c, --config FILE   read FILE (YAML); default: all defaults\n"
	"      --check-config  say whether FILE is right, and exit\n"
	"      --print-config  show what is in effect, and exit\n"
	"  -V, --version       show the version, and exit\n"
	"  -h, --help          show this, and exit\n";

static const struct service_program program = { .name = NAME, .help = help };

/* All that serves, from the lock to the loop. */
struct program {
	const struct config *config;
	struct keys *keys;
	struct judge *judge;
	struct journal journal;
	struct server *server;
	uv_signal_t on_term, on_int;
	int lock;
};

static void on_stopped(void *arg)
{
	struct program *p = arg;

	p->server = NULL;
	uv_close((uv_handle_t *)&p->on_term, NULL);
	uv_close((uv_handle_t *)&p->on_int, NULL);
}

static void on_signal(uv_signal_t *h, int sig)
{
	struct program *p = h->data;

	(void)sig;
	notify("STOPPING=1");
	server_stop(p->server, on_stopped, p);
}

/* One life at a time: two would write one audit log. */
static int lock_state(const char *folder, struct err *e)
{
	auto_free char *path = xasprintf("%s/lock", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = err_errno(e, errno, "another " NAME " uses '%s'", folder);

		(void)fd_close(fd);
		return rc;
	}
	return fd;
}

static int open_socket(const char *listen, struct err *e)
{
	return str_starts(listen, UNIX) ? listen_unix(listen + strlen(UNIX), SOCKET_MODE, e)
					: listen_tcp(listen, e);
}

static struct judge *make_judge(const struct config *c, const char *cache)
{
	const struct judge_options o = {
		.root = c->root,
		.accept = c->accept,
		.pccs = { .url = c->pccs_url,
			  .ca_file = c->pccs_ca_file,
			  .cache = cache,
			  .may_http = c->pccs_may_http,
			  .timeout_ms = c->pccs_timeout_ms },
	};

	return judge_new(&o);
}

static void say_hello(const struct program *p, int fd)
{
	char id[ID_HEX], address[PEER_NAME_SIZE];

	peer_name_own(fd, address);
	str_hex(id, p->keys->id, KEYS_ID_SIZE);
	log_info(NAME ": key_provider_id %s", id);
	log_info(NAME ": listening on %s", *address ? address : p->config->listen);
	if (p->config->is_simulated)
		log_warn(NAME ": believes a simulator's root: whoever has its seed can have every "
			      "key handed out here");
	notify("READY=1");
}

static int start(struct program *p, uv_loop_t *loop, struct err *e)
{
	const struct server_options o = { .keys = p->keys,
					  .judge = p->judge,
					  .journal = &p->journal };
	int fd = open_socket(p->config->listen, e);
	int rc;

	if (fd < 0)
		return fd;
	say_hello(p, fd);
	rc = server_start(&p->server, loop, &o, fd, e);
	if (rc < 0)
		return rc;
	(void)uv_signal_init(loop, &p->on_term);
	(void)uv_signal_init(loop, &p->on_int);
	p->on_term.data = p->on_int.data = p;
	(void)uv_signal_start(&p->on_term, on_signal, SIGTERM);
	(void)uv_signal_start(&p->on_int, on_signal, SIGINT);
	return 0;
}

static int run_loop(struct program *p, struct err *e)
{
	uv_loop_t loop;
	int rc = uv_loop_init(&loop);

	if (rc < 0)
		return err_set(e, rc, "making a loop: %s", uv_strerror(rc));
	rc = start(p, &loop, e);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop) < 0)
		log_warn(NAME ": something was left open at the end");
	return rc;
}

/* Keys live in one page that is not swapped out, as far as we may ask for that. */
static int with_keys(struct program *p, struct err *e)
{
	const struct config *c = p->config;
	auto_free char *cache = xasprintf("%s/collateral", c->state);
	int rc;

	p->lock = lock_state(c->state, e);
	if (p->lock < 0)
		return p->lock;
	p->keys = xnew(struct keys);
	(void)mlock(p->keys, sizeof(*p->keys));
	rc = keys_open(c->state, c->is_simulated, true, p->keys, e);
	if (rc == 0)
		rc = journal_open(&p->journal, c->state, c->is_simulated, e);
	if (rc == 0) {
		p->judge = make_judge(c, cache);
		rc = run_loop(p, e);
	}
	judge_free(p->judge);
	journal_close(&p->journal);
	keys_wipe(p->keys);
	free(p->keys);
	p->lock = fd_close(p->lock);
	return rc;
}

static int serve(const struct config *c, struct err *e)
{
	struct program p = { .config = c, .journal = JOURNAL_NULL, .lock = -1 };
	char threads[16];
	int rc;

	(void)str_format(threads, sizeof(threads), "%d", JUDGE_MOST);
	(void)setenv("UV_THREADPOOL_SIZE", threads, 1);
	(void)umask(077);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	log_init(c->log);
	rc = privileges_drop(c->user, c->state, e);
	return rc < 0 ? rc : with_keys(&p, e);
}

static int show_id(const struct config *c, struct err *e)
{
	char id[ID_HEX];
	struct keys k;
	int rc = privileges_drop(c->user, NULL, e); /* whose the keys are */

	if (rc < 0)
		return rc;
	rc = keys_open(c->state, c->is_simulated, false, &k, e);
	if (rc == -ENOENT)
		return err_set(e, rc, "there are no keys in '%s' yet; the first start makes them",
			       c->state);
	if (rc < 0)
		return rc;
	str_hex(id, k.id, sizeof(k.id));
	keys_wipe(&k);
	return printf("%s\n", id) > 0 ? 0 : err_errno(e, errno, "cannot write");
}

static int print(const struct config *c, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(PRINT_MAX);

	config_print(c, &b);
	return fwrite(b.p, 1, b.n, stdout) == b.n ? 0 : err_errno(e, errno, "cannot write");
}

static int run(const struct service_command *command, struct err *e)
{
	struct config *c = NULL;
	int rc = config_read(command->file, &c, e);

	if (rc < 0)
		return rc;
	if (command->action == SERVICE_PRINT)
		rc = print(c, e);
	else if (command->action == SERVICE_CHECK)
		rc = puts("configuration is valid") >= 0 ? 0 : -EIO;
	else if (command->n_words > 0)
		rc = show_id(c, e);
	else
		rc = serve(c, e);
	config_free(c);
	return rc;
}

int main(int argc, char **argv)
{
	struct service_command c;
	struct err e = ERR_NONE;

	if (!service_main_read(&program, argc, argv, &c))
		return c.exit_code;
	if (c.n_words > 0 &&
	    (c.n_words > 1 || c.action != SERVICE_SERVE || !str_equal(c.words[0], "id")))
		return service_main_misused(&program);
	privileges_close_memory();
	json_wipe_on_free();
	if (run(&c, &e) < 0) {
		(void)fprintf(stderr, NAME ": %s\n", e.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
