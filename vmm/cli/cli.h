/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what every command of bailey has at hand
 *
 * Borrows  argv, the environment.
 * Thread   one; everything blocks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/term.h"
#include "cli/token.h"

struct buf;
struct err;
struct table;
struct table_column;

enum { CLI_URL_MAX = 400 };

struct cli {
	const struct args *args;
	struct api api;
	struct term out; /* of stdout */
	bool wants_json, is_quiet;
	char socket[API_SOCKET_MAX]; /* where it is if nobody said, or what leads there */
	char url[CLI_URL_MAX], name[CLI_URL_MAX];
	struct token token;
};

extern const struct command cli_commands[];

/* Run the command line @argv (without the program's name).  Return: enum cli_exit. */
int cli_main(char *const *argv);

/* Find the daemon that options and environment name, and bring its socket here by ssh if need be. */
int cli_connect(struct cli *c, struct err *e);

/* Say what is going on: nothing with --quiet or --json. */
void cli_say(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One JSON value and a newline. */
void cli_json(const json_t *j);

/* The table, then free it. */
void cli_table(const struct cli *c, struct table *t);

/* Tell on stderr why something failed, once; as {"error", "exit"} with --json. */
void cli_complain(const struct cli *c, struct err *e, int code);

/* The VM that operand @i names: a fresh VmInfo, the caller's. */
int cli_vm(const struct cli *c, size_t i, json_t **ret, struct err *e);

/*
 * @fn for the VM of each operand, going on after a failure.  Failures are told here.
 * Return: 0, or the code of the first failure.
 */
typedef int (*cli_vm_fn)(struct cli *c, const json_t *vm, struct err *e);
int cli_each_vm(struct cli *c, cli_vm_fn fn, struct err *e);

/* The same for each operand as it is written. */
typedef int (*cli_text_fn)(struct cli *c, const char *text, struct err *e);
int cli_each(struct cli *c, cli_text_fn fn, struct err *e);

/*
 * Ask the call @method, which takes nothing, and show the list "images" of its answer: as JSON, or a row of @columns
 * for each by @row, or @none where there are none.
 */
int cli_images(struct cli *c, const char *method, const struct table_column *columns,
	       void (*row)(struct table *t, const json_t *image), const char *none, struct err *e);

/* --timeout in ms, or @otherwise; ERR_INPUT for what is no time. */
int cli_timeout(const struct cli *c, uint64_t otherwise, uint64_t *ret, struct err *e);

/* --lines, or @otherwise; ERR_INPUT for what is no number of them. */
int cli_lines(const struct cli *c, uint32_t otherwise, uint32_t *ret, struct err *e);

/* The commands: each is the run of a struct command. */
int cmd_up(struct cli *c, struct err *e);
int cmd_ps(struct cli *c, struct err *e);
int cmd_info(struct cli *c, struct err *e);
int cmd_logs(struct cli *c, struct err *e);
int cmd_events(struct cli *c, struct err *e);
int cmd_start(struct cli *c, struct err *e);
int cmd_stop(struct cli *c, struct err *e);
int cmd_kill(struct cli *c, struct err *e);
int cmd_restart(struct cli *c, struct err *e);
int cmd_rm(struct cli *c, struct err *e);
int cmd_reload(struct cli *c, struct err *e);
int cmd_image_pull(struct cli *c, struct err *e);
int cmd_image_rm(struct cli *c, struct err *e);
int registry_show(struct cli *c, struct err *e); /* image ls --registry */
int cmd_image_ls(struct cli *c, struct err *e);
int cmd_image_check(struct cli *c, struct err *e);
int cmd_image_measure(struct cli *c, struct err *e);
int cmd_measure(struct cli *c, struct err *e);
int cmd_compose_hash(struct cli *c, struct err *e);
int cmd_compose_show(struct cli *c, struct err *e);
int cmd_env_seal(struct cli *c, struct err *e);
int cmd_keys(struct cli *c, struct err *e);
int cmd_keys_pin(struct cli *c, struct err *e);
int cmd_gateway_up(struct cli *c, struct err *e);
int cmd_gateway_status(struct cli *c, struct err *e);
int cmd_gateway_routes(struct cli *c, struct err *e);
int cmd_gateway_drain(struct cli *c, struct err *e);
int cmd_gateway_reload(struct cli *c, struct err *e);
int cmd_top(struct cli *c, struct err *e);
int cmd_completion_bash(struct cli *c, struct err *e);
int cmd_completion_vms(struct cli *c, struct err *e);
int cmd_completion_images(struct cli *c, struct err *e);
int cmd_check(struct cli *c, struct err *e);
int cmd_verify_app(struct cli *c, struct err *e);
int cmd_verify_gateway(struct cli *c, struct err *e);
int cmd_verify_quote(struct cli *c, struct err *e);
int cmd_quote_show(struct cli *c, struct err *e);
int cmd_collateral_fetch(struct cli *c, struct err *e);
int cmd_eventlog_show(struct cli *c, struct err *e);
int cmd_eventlog_replay(struct cli *c, struct err *e);
int cmd_version(struct cli *c, struct err *e);
