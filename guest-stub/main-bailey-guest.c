/* SPDX-License-Identifier: Apache-2.0 */
/* main-bailey-guest: the program; its parts are in init.h, agent.h, notices.h, request_keys.h and gateway_run.h */
#include <stdio.h>
#include <unistd.h>

#include "base/version.h"
#include "data/json.h"
#include "guest-stub/agent.h"
#include "guest-stub/gateway_run.h"
#include "guest-stub/init.h"
#include "guest-stub/notices.h"
#include "guest-stub/request_keys.h"
#include "guest-stub/role.h"

int main(int argc, char **argv)
{
	json_wipe_on_free();
	switch (role_of(getpid(), argc, argv)) {
	case ROLE_VERSION:
		(void)puts("bailey-guest " BAILEY_VERSION);
		return 0;
	case ROLE_HELP:
		(void)fputs(role_help, stdout);
		return 0;
	case ROLE_INIT:
		init_run();
	case ROLE_NOTIFIER:
		return notices_run();
	case ROLE_KEYS:
		return request_keys_run(argc == 3 ? argv[2] : NULL);
	case ROLE_GATEWAY:
		return gateway_run();
	case ROLE_AGENT:
		return agent_run(argc == 3 ? argv[2] : NULL);
	case ROLE_UNKNOWN:
	case ROLE_COUNT:
		break;
	}
	(void)fputs(role_help, stderr);
	return 2;
}
