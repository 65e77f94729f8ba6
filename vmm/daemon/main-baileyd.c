/* SPDX-License-Identifier: Apache-2.0 */
/* baileyd: the daemon of a host: keeps VMs, starts them through libvirt, answers them and their operators */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/service_main.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/probe.h"

enum { PRINT_MAX = 1024 * 1024, LARGE = 128 * 1024 };

static const char help[] =
	"usage: baileyd [--config FILE] [--check-config | --print-config | --probe-host]\n"
	"\n"
	"Keeps the VMs of this host and answers the command bailey.\n"
	"\n"
	"  -c, --config FILE   read FILE (YAML; see baileyd.yaml(5)); default: all defaults\n"
	"      --check-config  say whether FILE is right, and exit\n"
	"      --print-config  show what is in effect, and exit\n"
	"      --probe-host    show what this host can do, as JSON, and exit\n"
	"  -V, --version       show the version, and exit\n"
	"  -h, --help          show this, and exit\n";

static const struct service_program program = { "baileyd", help, "probe-host" };

/* Starts wait on disks and on QEMU; those of one VM must not hold up those of another. */
static void prepare_process(void)
{
	struct rlimit files;

	(void)setenv("UV_THREADPOOL_SIZE", "32", 0);
	(void)umask(022);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/*
 * libvirt's work at the start of a guest takes megabytes for a moment, in whichever thread of the pool does it.
 * With an arena for each thread none of it came back: 100 running guests held 90 MiB that nobody used.
 */
static void tame_malloc(void)
{
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
}

static int serve(const struct config *c)
{
	struct daemon d;
	struct err e = ERR_NONE;
	uv_loop_t loop;

	prepare_process();
	tame_malloc();
	log_init(c->log);
	if (uv_loop_init(&loop) < 0)
		return EXIT_FAILURE;
	if (daemon_start(&d, &loop, c, &e)) {
		log_error("baileyd: %s", e.text);
		d.exit_code = EXIT_FAILURE;
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	daemon_deinit(&d);
	if (uv_loop_close(&loop) < 0)
		log_warn("baileyd: something was left open at the end");
	return d.exit_code;
}

static int print(const struct config *c)
{
	auto_buf struct buf b = BUF_MAX(PRINT_MAX);

	config_print(c, &b);
	return fwrite(b.p, 1, b.n, stdout) == b.n ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int look_at_host(const struct config *c)
{
	prepare_process();
	tame_malloc();
	log_init(LOG_LEVEL_ERROR);
	return probe(c);
}

static int run(enum service_action a, const char *file)
{
	struct config *c = NULL;
	struct err e = ERR_NONE;
	int rc;

	if (config_load(file, &c, &e)) {
		(void)fprintf(stderr, "baileyd: %s\n", e.text);
		return EXIT_FAILURE;
	}
	if (a == SERVICE_PRINT)
		rc = print(c);
	else if (a == SERVICE_CHECK)
		rc = printf("configuration is valid\n") > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	else if (a == SERVICE_OTHER)
		rc = look_at_host(c);
	else
		rc = serve(c);
	config_free(c);
	return rc;
}

int main(int argc, char **argv)
{
	struct service_command c;

	if (!service_main_read(&program, argc, argv, &c))
		return c.exit_code;
	if (c.n_words > 0)
		return service_main_misused(&program);
	return run(c.action, c.file);
}
