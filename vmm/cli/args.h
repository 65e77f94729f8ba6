/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: the command line, read by a table
 *
 * Owns     nothing: everything points into argv and into the table.
 * Invariant the table is the specification: it drives reading, --help, and the test that
 *          holds bailey.1 against it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cli;
struct err;

enum opt {
	OPT_HOST,
	OPT_SOCKET,
	OPT_JSON,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_NO_WAIT,
	OPT_NO_START,
	OPT_TIMEOUT,
	OPT_FORCE,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_CHANNEL,
	OPT_RAW,
	OPT_CONFIG,
	OPT_TDX,
	OPT_ALL,
	OPT_DRY_RUN,
	OPT_NO_RESTART,
	OPT_REGISTRY,
	OPT_ONCE,
	OPT_SORT,
	OPT_COLLATERAL,
	OPT_AT,
	OPT_ROOT,
	OPT_POLICY,
	OPT_ACCEPT,
	OPT_RTMR3,
	OPT_PCCS,
	OPT_REFRESH,
	OPT_ALLOW_HTTP,
	OPT_OUTPUT,
	OPT_IMAGE,
	OPT_IMAGE_HASH,
	OPT_QEMU,
	OPT_COMPOSE,
	OPT_COMPOSE_HASH,
	OPT_APP_ID,
	OPT_NONCE,
	OPT_REPORT_DATA,
	OPT_ALLOW_UNCHECKED,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_VM_CONFIG,
	OPT_QEMU_VERSION,
	OPT_NICS,
	OPT_GPUS,
	OPT_HOTPLUG_OFF,
	OPT_TWO_PASS,
	OPT_PIC,
	OPT_ACPI_TABLES,
	OPT_EVENTS,
	OPT_ACCEPT_DRIFT,
	OPT_KMS,
	OPT_SIGNER,
	OPT_APP,
	OPT_ALLOW_UNTIMED,
	OPT_CA,
	OPT_CA_OUT,
	OPT_TOKEN_FILE,
	OPT_INSTANCE,
	OPT_LIFT,
	OPT_COUNT,
};

_Static_assert(OPT_COUNT <= 64, "struct command has a bit for each");

#define OPT_BIT(opt) (UINT64_C(1) << (opt))

enum { ARGS_MAX = 256 };

struct opt_spec {
	const char *name;  /* without "--" */
	char letter;	   /* 0: none */
	const char *value; /* what --help calls it; NULL: a flag */
	const char *doc;
};

/* By enum opt. */
extern const struct opt_spec opt_specs[OPT_COUNT];

struct command {
	const char *name;     /* one or two words; NULL ends a table */
	const char *operands; /* as --help shows them */
	size_t min, max;      /* how many */
	uint64_t options;     /* OPT_BIT()s beside the global ones */
	const char *doc;
	bool is_local; /* it asks no daemon */
	int (*run)(struct cli *c, struct err *e);
};

struct args {
	const struct command *command;	/* NULL: none was named */
	const char *options[OPT_COUNT]; /* its value, "" for a flag, NULL if not given */
	const char *operands[ARGS_MAX];
	size_t n;
};

/**
 * args_read() - the command line @argv, without the program's name
 *
 * Options may stand anywhere; "--" ends them.  "help X" is "X --help".
 *
 * Return: 0; ERR_INPUT with what is wrong and what would be right.
 */
int args_read(const struct command *table, char *const *argv, struct args *ret, struct err *e);

static inline bool args_has(const struct args *a, enum opt o)
{
	return a->options[o] != NULL;
}

/* Does @c take @o?  NULL: do all commands? */
bool args_takes(const struct command *c, enum opt o);

/* What --help prints: of all commands if @c is NULL. */
int args_help(const struct command *table, const struct command *c, struct buf *ret);
