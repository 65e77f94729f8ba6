/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_session: a guest's life with its gateways: register, keep the tunnel, say when the app is ready
 *
 * One thread, one loop: words of PID 1 and time come in; registrations, questions to the worker and words to PID 1 go
 * out.  Of several gateways they are tried in order, and the one that works is kept while it does.
 *
 * Owns     what is in the struct; everything it is given is borrowed.
 * Limits   of one round: GATEWAY_CLIENT_MS for each gateway; see gateway_pace.h for when.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest-stub/gateway_client.h"
#include "guest-stub/gateway_pace.h"
#include "guest-stub/gateway_status.h"

struct app_compose;
struct err;

enum {
	GATEWAY_LEAVE_MS = 3000,       /* to tell the gateway that we leave */
	GATEWAY_AGENT_AWAY_MS = 90000, /* the agent comes up later than we */
	GATEWAY_AGENT_PAUSE_MS = 500,
	GATEWAY_PORT_MS = 4000,	    /* between looks at the app's port */
	GATEWAY_PORT_SOON_MS = 500, /* until it is open */
	GATEWAY_PORT_MISSES = 3,    /* in a row, and the app is not ready any more */
};

struct gateway_session_args {
	const char *const *urls; /* as the host gave them */
	size_t n_urls;
	const char *gateway_app_id; /* as the KMS gave it */
	const struct app_compose *app;
	const char *agent;  /* its unix socket */
	const char *status; /* folder; NULL: none */
	int words, worker;  /* fds */
	uint32_t
		app_address; /* where its ready_port is; 0: our address in the tunnel, as gateways see it */
};

struct gateway_session {
	struct gateway_session_args args;
	char (*urls)[GATEWAY_URL_MAX];
	char shown[GATEWAY_URL_MAX]; /* one of them, without /prpc */
	size_t n_urls, at;	     /* at: the one that works, or is next */
	char app_id[GATEWAY_APP_ID_MAX + 1];
	struct gateway_identity identity;
	uint64_t identity_ms; /* when it was got */
	uint8_t key[GATEWAY_KEY];
	struct gateway_pace pace;
	struct gateway_status status;
	char *status_text; /* as it was written last */
	uint64_t begun_ms, port_ms;
	unsigned int n_misses; /* of the app's port, in a row */
	bool has_key, is_up, is_port_open, leaves, has_left;
	bool told_ready, has_told_error, has_told_ok;
};

/* Return: 0; ERR_INPUT for URLs or an app id that are none. */
int gateway_session_init(struct gateway_session *s, const struct gateway_session_args *a,
			 struct err *e);
void gateway_session_deinit(struct gateway_session *s);

/* Until PID 1 hangs up.  Return: 0; negative when the worker is gone. */
int gateway_session_run(struct gateway_session *s, struct err *e);
