/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot: the steps from an empty machine to a running app, as a table
 *
 * Owns     everything that a boot opens, until boot_deinit().
 * Thread   PID 1's only one.
 * Wire     what the host is told, and when: guest-stub/README.md.
 */
#pragma once

#include "base/buf.h"
#include "data/app_keys_file.h"
#include "guest-stub/data_disk.h"
#include "guest-stub/gateway_child.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/keeper.h"
#include "guest-stub/measure.h"
#include "guest-stub/notices.h"

struct app_compose;
struct env_plain;
struct err;
struct supervisor;
struct sys_config;

#define BOOT_WORK_DIR  "/dstack"
#define BOOT_SHARE_DIR "/dstack/.host-shared"
#define BOOT_LOG_DIR   "/run/log/dstack"
#define BOOT_STATE_DIR "/run/bailey"
#define BOOT_KEYS_FILE ".appkeys.json" /* in BOOT_SHARE_DIR */

struct boot {
	struct supervisor *supervisor; /* borrowed */
	struct notices notices;
	struct keeper agent;
	bool can_notify;	/* notices_start() was tried */
	int share, log;		/* directory fds; -1 before they are there */
	struct guest_tee tee;	/* all zero before it is found */
	struct sys_config *sys; /* NULL before it is read, as the next two */
	struct app_compose *app;
	struct buf compose; /* the bytes that app was read from */
	struct measure_identity id;
	struct app_keys_file keys; /* until they are in their file */
	bool is_own_provider;	   /* local, and no enclave */
	char *gateway_app_id;	   /* as the keys had it; NULL before there are any */
	struct gateway_child gateway;
	struct env_plain *env; /* NULL: none; until the app has it */
	struct data_disk disk;
};

void boot_init(struct boot *b, struct supervisor *s);
void boot_deinit(struct boot *b);

/**
 * boot_run() - all steps; the host is told of progress, and of the failure if one fails
 *
 * Return: 0 when the app runs; -ECANCELED when a stop was asked for meanwhile; the failed step's code.
 */
int boot_run(struct boot *b, struct err *e);
