/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/app_compose.h"
#include "data/env_plain.h"
#include "data/sys_config.h"
#include "guest-stub/app.h"
#include "guest-stub/app_env.h"
#include "guest-stub/boot_input.h"
#include "guest-stub/boot_keys.h"
#include "guest-stub/machine.h"
#include "guest-stub/modules.h"
#include "guest-stub/mounts.h"
#include "guest-stub/net.h"
#include "guest-stub/share.h"
#include "guest-stub/state.h"
#include "guest-stub/supervisor.h"
#include "tee/runtime_log.h"

#define MODULES_LIST "/etc/bailey/modules"
#define MODULES_TDX  MODULES_LIST ".tdx"
/* Where a host listens that could not yet say so: the port of dstack's and Bailey's default. */
#define HOST_API_URL  "vsock://2:10000/api"
#define SHARE_DIR_ENV "DSTACK_HOST_SHARED_DIR=/dstack/.host-shared" /* BOOT_SHARE_DIR */

enum {
	AGENT_MS = 60000,
	AGENT_POLL_MS = 200,
};

void boot_init(struct boot *b, struct supervisor *s)
{
	*b = (struct boot){ .supervisor = s,
			    .share = -1,
			    .log = -1,
			    .notices = { .fd = -1 },
			    .gateway = { .fd = -1 } };
}

void boot_deinit(struct boot *b)
{
	app_compose_free(b->app);
	b->app = NULL;
	app_keys_file_wipe(&b->keys);
	env_plain_free(b->env);
	b->env = NULL;
	free(b->gateway_app_id);
	b->gateway_app_id = NULL;
	gateway_child_deinit(&b->gateway);
	buf_deinit(&b->compose);
	guest_tee_deinit(&b->tee);
	sys_config_free(b->sys);
	b->sys = NULL;
	b->share = fd_close(b->share);
	b->log = fd_close(b->log);
}

static int progress(struct boot *b, const char *what)
{
	notices_send(&b->notices, "boot.progress", what);
	return 0;
}

static int open_dir(const char *path, mode_t mode, int *ret, struct err *e)
{
	int r = file_mkdir_all(path, mode, e);

	if (r < 0)
		return r;
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_errno(e, errno, "open %s", path) : 0;
}

static int step_mounts(struct boot *b, struct err *e)
{
	int r = mounts_make(e);

	if (r == 0)
		r = open_dir(BOOT_SHARE_DIR, 0700, &b->share, e);
	if (r == 0)
		r = open_dir(BOOT_LOG_DIR, 0755, &b->log, e);
	return r ? r : file_mkdir_all(BOOT_STATE_DIR, 0755, e);
}

static int step_modules(struct boot *b, struct err *e)
{
	int n = modules_load(MODULES_LIST, e), of_tdx = 0;

	(void)b;
	if (n >= 0 && machine_is_td())
		of_tdx = modules_load(MODULES_TDX, e);
	if (n + of_tdx > 0)
		log_info("modules: %d loaded", n + of_tdx);
	return n < 0 ? n : of_tdx < 0 ? of_tdx : 0;
}

static int step_net_start(struct boot *b, struct err *e)
{
	int r = net_start(b->supervisor, e);

	if (r == 0)
		log_info("net: no network card");
	return r < 0 ? r : 0;
}

static int step_share(struct boot *b, struct err *e)
{
	return share_fetch(b->share, e);
}

/* Begin to notify, at the latest when something has gone wrong. */
static void notify_from_here(struct boot *b)
{
	const char *url = HOST_API_URL;
	struct err e = ERR_NONE;

	if (b->can_notify)
		return;
	b->can_notify = true;
	if (b->sys)
		url = b->sys->host_api_url ? b->sys->host_api_url : "";
	if (notices_start(&b->notices, b->supervisor, url, &e) < 0)
		log_warn("notice: %s", e.text);
}

static int step_sys_config(struct boot *b, struct err *e)
{
	int r = boot_input_sys_config(b, e);

	if (r == 0)
		notify_from_here(b);
	return r;
}

static int step_tee(struct boot *b, struct err *e)
{
	int r = guest_tee_init(&b->tee, b->share, b->log, e);

	if (r == 0)
		log_warn("tee: %s", tee_kind_meaning(b->tee.tee.kind));
	return r;
}

static int step_config_id(struct boot *b, struct err *e)
{
	return boot_keys_config_id(b, false, e);
}

static int step_measure(struct boot *b, struct err *e)
{
	struct measure_app app = { .n_init_scripts = b->app->n_init_scripts,
				   .gpu_policy = b->app->requirements.gpu_policy_raw };
	int r;

	memcpy(app.init_scripts, b->app->init_scripts, sizeof(app.init_scripts));
	r = guest_tee_boot(&b->tee, e);
	if (r == 0)
		r = runtime_log_init(b->log, b->app->event_log_version, e);
	return r ? r : measure_boot(b->log, &b->tee.tee, &b->id, &app, e);
}

static int link_to(const char *target, const char *path, struct err *e)
{
	if (symlink(target, path) < 0 && errno != EEXIST)
		return err_errno(e, errno, "link %s", path);
	return 0;
}

static int step_files(struct boot *b, struct err *e)
{
	struct state st = {
		.id = &b->id,
		.tee = b->tee.tee.kind,
		.app = b->app,
		.vm_config = b->sys->vm_config,
	};
	int r = boot_keys_files(b, e);

	st.gateway_app_id = b->gateway_app_id;
	if (r == 0)
		r = link_to(".host-shared/" SHARE_COMPOSE, BOOT_WORK_DIR "/" SHARE_COMPOSE, e);
	if (r == 0)
		r = link_to(".host-shared/" SHARE_USER_CONFIG, BOOT_WORK_DIR "/user_config", e);
	return r ? r : state_write(BOOT_STATE_DIR, &st, e);
}

/* Nothing here holds up the boot: an app without its way in still runs, and the host is told. */
static int step_gateway(struct boot *b, struct err *e)
{
	struct err why = ERR_NONE;

	(void)e;
	if (!b->app->gateway_enabled)
		return 0;
	(void)progress(b, "setting up dstack-gateway");
	if (gateway_child_check(b->app, b->sys, b->gateway_app_id, &why) < 0 ||
	    gateway_child_start(&b->gateway, b->supervisor, &b->notices, &why) < 0)
		gateway_child_failed(&b->notices, why.text);
	return 0;
}

static int step_agent(struct boot *b, struct err *e)
{
	return keeper_start(&b->agent, b->supervisor, e);
}

/*
 * The app may ask the agent who it is, and done is to mean that the guest answers.  An agent that does not come
 * up is no reason not to run the app.
 */
static int step_agent_wait(struct boot *b, struct err *e)
{
	uint64_t end = time_mono_ms() + AGENT_MS;

	(void)e;
	while (!b->supervisor->agent_serves) {
		if (b->supervisor->stop != SUPERVISOR_RUN)
			return -ECANCELED;
		if (keeper_watch(&b->agent, time_mono_ms()) == KEEPER_GAVE_UP ||
		    time_mono_ms() >= end) {
			notices_send(&b->notices, "boot.notice", "the guest agent does not answer");
			return 0;
		}
		(void)supervisor_pump(b->supervisor, -1, AGENT_POLL_MS);
	}
	return 0;
}

static int step_net_wait(struct boot *b, struct err *e)
{
	struct err why = ERR_NONE;
	int r = net_wait(b->supervisor, &why);

	(void)e;
	if (r < 0 && r != -ECANCELED)
		notices_send(&b->notices, "boot.notice", why.text);
	return r == -ECANCELED ? r : 0;
}

static const char *const plain_env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
					 "TERM=linux", SHARE_DIR_ENV, NULL };

static struct app app_of(const struct app_compose *c)
{
	struct app a = { .n_init_scripts = c->n_init_scripts,
			 .pre_launch = c->pre_launch_script,
			 .main = c->bash_script,
			 .env = plain_env };

	memcpy(a.init_scripts, c->init_scripts, sizeof(a.init_scripts));
	return a;
}

static int step_init_scripts(struct boot *b, struct err *e)
{
	const struct app a = app_of(b->app);

	if (a.n_init_scripts == 0)
		return 0;
	(void)progress(b, "init-script");
	return app_run_init(&a, b->supervisor, e);
}

/* The app is the only one that the owner's variables are for: init scripts run without. */
static int start_app(struct boot *b, struct err *e)
{
	struct app a = app_of(b->app);
	char **env = app_env_vars(plain_env, b->env);
	int r;

	a.env = (const char *const *)env;
	r = app_start(&a, b->supervisor, e);
	app_env_vars_free(env);
	env_plain_free(b->env);
	b->env = NULL;
	return r;
}

static int step_app(struct boot *b, struct err *e)
{
	int r;

	if (str_equal(b->app->runner, "none"))
		return 0;
	if (b->app->pre_launch_script)
		(void)progress(b, "pre-launch");
	r = start_app(b, e);
	if (r < 0)
		return r;
	(void)progress(b, "running main script");
	return app_settle(b->supervisor, e);
}

static int step_done(struct boot *b, struct err *e)
{
	(void)e;
	gateway_child_tell_up(&b->gateway);
	return progress(b, "done");
}

static const struct boot_step {
	const char *doing; /* begins the message of its failure */
	int (*run)(struct boot *b, struct err *e);
	const char *notice; /* also sent when the host broke the rules; NULL: none */
} steps[] = {
	{ "mount", step_mounts, NULL },
	{ "load modules", step_modules, NULL },
	{ "start the network", step_net_start, NULL },
	{ "read the shared folder", step_share, "security.share" },
	{ "read the system configuration", step_sys_config, "security.share" },
	{ "find the TEE", step_tee, "security.share" },
	{ "read the app", boot_input_compose, "security.share" },
	{ "accept the app", boot_input_policy, NULL },
	{ "identify the instance", boot_input_identity, "security.share" },
	{ "compare with MRCONFIGID", step_config_id, "security.share" },
	{ "measure", step_measure, NULL },
	{ "request app keys", boot_keys_request, NULL },
	{ "accept the key provider", boot_keys_accept, NULL },
	{ "open the environment", boot_keys_env, NULL },
	{ "open the data disk", boot_keys_disk, NULL },
	{ "finish measuring", boot_keys_ready, NULL },
	{ "write files", step_files, NULL },
	{ "set up the gateway", step_gateway, NULL },
	{ "start the agent", step_agent, NULL },
	{ "wait for the network", step_net_wait, NULL },
	{ "run init scripts", step_init_scripts, NULL },
	{ "wait for the agent", step_agent_wait, NULL },
	{ "start the app", step_app, NULL },
	{ "finish", step_done, NULL },
};

/* Tell the host what went wrong, the rule that it broke first. */
static void report(struct boot *b, const struct boot_step *step, const struct err *e)
{
	if (b->share >= 0 && !b->sys)
		(void)boot_input_sys_config(b, NULL);
	notify_from_here(b);
	if (step->notice && e->code != ERR_MISSING)
		notices_send(&b->notices, step->notice, e->text);
	notices_send(&b->notices, "boot.error", e->text);
}

int boot_run(struct boot *b, struct err *e)
{
	uint64_t begun;
	size_t i;
	int r;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (b->supervisor->stop != SUPERVISOR_RUN)
			return -ECANCELED;
		begun = time_mono_ms();
		r = steps[i].run(b, e);
		if (r == -ECANCELED)
			return r;
		if (r < 0) {
			r = err_wrap(e, r, "Failed to %s", steps[i].doing);
			report(b, &steps[i], e);
			return r;
		}
		log_info("boot: %s: %llu ms", steps[i].doing,
			 (unsigned long long)(time_mono_ms() - begun));
		gateway_child_watch(&b->gateway, time_mono_ms());
	}
	return 0;
}
