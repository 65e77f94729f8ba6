/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_run.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "data/json.h"
#include "data/sys_config.h"
#include "guest-stub/boot.h"
#include "guest-stub/gateway_rights.h"
#include "guest-stub/gateway_session.h"
#include "guest-stub/gateway_words.h"
#include "guest-stub/gateway_worker.h"
#include "guest-stub/share.h"
#include "guest-stub/state.h"

#define AGENT_SOCKET "/run/dstack.sock"

/* What was handed to the guest; PID 1 has looked at all of it before. */
struct inputs {
	struct buf compose, sys_text;
	struct app_compose *app;
	struct sys_config *sys;
	json_t *state;
};

static void inputs_deinit(struct inputs *in)
{
	app_compose_free(in->app);
	sys_config_free(in->sys);
	json_decref(in->state);
	buf_deinit(&in->compose);
	buf_deinit(&in->sys_text);
}

static int inputs_read(struct inputs *in, struct err *e)
{
	auto_close int share = open(BOOT_SHARE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (share < 0)
		return err_errno(e, errno, "open " BOOT_SHARE_DIR);
	r = file_read(share, SHARE_SYS_CONFIG, SHARE_SYS_CONFIG_MAX, &in->sys_text, e);
	if (r == 0)
		r = sys_config_parse(in->sys_text.p, in->sys_text.n, &in->sys, e);
	if (r == 0)
		r = file_read(share, SHARE_COMPOSE, SHARE_COMPOSE_MAX, &in->compose, e);
	if (r == 0)
		r = app_compose_parse(in->compose.p, in->compose.n, &in->app, e);
	return r ? r : state_read(BOOT_STATE_DIR, &in->state, e);
}

/* The last thing that root does for it. */
static int make_folder(struct err *e)
{
	int r = file_mkdir(AT_FDCWD, GATEWAY_STATUS_DIR, 0755, e);

	if (r == 0 && lchown(GATEWAY_STATUS_DIR, GATEWAY_SPEAKER, GATEWAY_SPEAKER) < 0)
		r = err_errno(e, errno, "give " GATEWAY_STATUS_DIR " away");
	return r;
}

static int run(const struct inputs *in, struct err *e)
{
	struct gateway_session s;
	struct gateway_session_args a = { .agent = AGENT_SOCKET,
					  .status = GATEWAY_STATUS_DIR,
					  .words = GATEWAY_WORDS_FD,
					  .worker = -1 };
	int r = make_folder(e);

	assert(in->app && in->sys);
	a.app = in->app;
	a.urls = in->sys->gateway_urls.p;
	a.n_urls = in->sys->gateway_urls.n;
	a.gateway_app_id = json_get_str(in->state, "gateway_app_id", "");
	if (r == 0)
		a.worker = r = gateway_worker_start(e);
	if (r >= 0)
		r = gateway_rights_of_speaker(e);
	if (r < 0)
		return r;
	r = gateway_session_init(&s, &a, e);
	if (r == 0)
		r = gateway_session_run(&s, e);
	gateway_session_deinit(&s);
	return r;
}

/* Nobody reads our log but at the console: the host hears of it from PID 1. */
static void tell(const char *why)
{
	char packet[GATEWAY_WORDS_MAX];

	if (str_format(packet, sizeof(packet), "%c%.500s", GATEWAY_WORD_ERROR, why) > 0)
		(void)send(GATEWAY_WORDS_FD, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int gateway_run(void)
{
	struct inputs in = { .app = NULL };
	struct err e = ERR_NONE;
	int r;

	gateway_rights_harden();
	log_init(LOG_LEVEL_INFO);
	(void)fcntl(GATEWAY_WORDS_FD, F_SETFD, FD_CLOEXEC);
	r = inputs_read(&in, &e);
	if (r == 0)
		r = run(&in, &e);
	if (r < 0) {
		log_error("gateway: %s", e.text);
		tell(e.text);
	}
	inputs_deinit(&in);
	return r < 0 ? 1 : 0;
}
