/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "guest-stub/supervisor.h"

#define WORK_DIR "/dstack"

enum { DRIVER_MAX = 4096, PATH_MAX_BYTES = 64, FOREVER_MS = 0x7fffffff };

static const char *shell(void)
{
	return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

char *app_driver(const char *with, const char *prefix, size_t n_sourced, const char *then)
{
	auto_buf struct buf b = BUF_MAX(DRIVER_MAX);
	size_t i;
	int r = buf_add_str(&b, "set -e\n");

	/* fd 3 is ours: a sourced script does not see it */
	for (i = 0; r == 0 && i < n_sourced; i++)
		r = buf_addf(&b, ". " APP_SCRIPTS "/%s%zu 3>&-\n", prefix, i);
	if (r == 0 && then)
		r = buf_addf(&b, "printf m >&3\nexec 3>&-\nexec %s " APP_SCRIPTS "/%s\n", with,
			     then);
	if (r < 0)
		abort(); /* names are ours and short */
	return buf_take_str(&b);
}

static int write_script(const char *name, size_t i, const char *text, struct err *e)
{
	char path[PATH_MAX_BYTES];

	if (str_format(path, sizeof(path), APP_SCRIPTS "/%s%zu", name, i) < 0)
		return err_set(e, -ENAMETOOLONG, "script %s", name);
	return file_replace(AT_FDCWD, path, 0700, text, strlen(text), e);
}

static int run_driver(struct supervisor *s, const char *driver, const char *const *env, int extra,
		      struct err *e)
{
	const char *const argv[] = { shell(), "-c", driver, NULL };
	const struct supervisor_spawn how = {
		.argv = argv, .env = env, .cwd = WORK_DIR, .input = -1, .extra = extra
	};

	return supervisor_start(s, SUPERVISOR_SCRIPT, &how, e);
}

/* What the ended script says: 0, or ERR_INPUT with @what in front. */
static int verdict(const struct supervisor *s, const char *what, struct err *e)
{
	int status = s->slots[SUPERVISOR_SCRIPT].status;
	char how[96];

	if (status == 0)
		return 0;
	return err_set(e, ERR_INPUT, "%s %s", what,
		       supervisor_how_it_ended(how, sizeof(how), status));
}

int app_run_init(const struct app *a, struct supervisor *s, struct err *e)
{
	auto_free char *driver = app_driver(shell(), "init-", a->n_init_scripts, NULL);
	size_t i;
	int r = file_mkdir_all(APP_SCRIPTS, 0700, e);

	for (i = 0; r == 0 && i < a->n_init_scripts; i++)
		r = write_script("init-", i, a->init_scripts[i], e);
	if (r == 0)
		r = run_driver(s, driver, a->env, -1, e);
	if (r == 0)
		r = supervisor_wait(s, SUPERVISOR_SCRIPT, FOREVER_MS);
	return r ? r : verdict(s, "init script", e);
}

/* Wait until main begins: a byte on the pipe; its end without one says that pre-launch did not get there. */
static int wait_main(struct supervisor *s, int fd, struct err *e)
{
	bool is_readable = false;
	char byte;
	int r;

	while (!is_readable && s->stop == SUPERVISOR_RUN &&
	       supervisor_is_running(s, SUPERVISOR_SCRIPT))
		is_readable = supervisor_pump(s, fd, FOREVER_MS);
	if (read(fd, &byte, 1) == 1)
		return 0;
	r = supervisor_wait(s, SUPERVISOR_SCRIPT, FOREVER_MS);
	if (r == 0)
		r = verdict(s, "pre-launch script", e);
	return r ? r
		 : err_set(e, ERR_INPUT,
			   "pre-launch script ended the shell that was to run the app");
}

int app_start(const struct app *a, struct supervisor *s, struct err *e)
{
	auto_free char *driver =
		app_driver(shell(), "pre-launch-", a->pre_launch ? 1 : 0, "main-0");
	auto_close int reader = -1;
	int pair[2], r;

	r = file_mkdir_all(APP_SCRIPTS, 0700, e);
	if (r == 0 && a->pre_launch)
		r = write_script("pre-launch-", 0, a->pre_launch, e);
	if (r == 0)
		r = write_script("main-", 0, a->main, e);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, errno, "pipe");
	reader = pair[0];
	r = run_driver(s, driver, a->env, pair[1], e);
	(void)fd_close(pair[1]);
	return r ? r : wait_main(s, reader, e);
}

int app_settle(struct supervisor *s, struct err *e)
{
	int r = supervisor_wait(s, SUPERVISOR_SCRIPT, APP_SETTLE_MS);

	if (r == -ETIMEDOUT)
		return 0;
	return r ? r : verdict(s, "main script", e);
}
