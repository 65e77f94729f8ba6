/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: what a host lacks for running VMs, each with its remedy
 *
 * A table of checks; each looks at files below a root (a test's folder, or "" for this host), at what
 * baileyd says of QEMU and libvirt, and at numbers that were measured before.
 *
 * Owns     nothing.
 * Invariant a check opens files and changes nothing; bailey-check's rows in bailey(1) are held
 *          against the table by a test.
 * Thread   any; images are hashed, which takes as long as it takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

enum { CHECK_FOUND_MAX = 240, CHECK_REMEDY_MAX = 320, CHECK_ROWS_MAX = 40 };

enum check_state { CHECK_OK, CHECK_WARN, CHECK_MISSING };

/* What a VM cannot run without. */
enum check_need { CHECK_FOR_VMS, CHECK_FOR_TDX, CHECK_FOR_COMFORT };

struct check_host {
	const char *root;      /* in front of every path; "" for this host */
	const json_t *facts;   /* baileyd's, see bailey-api(7); borrowed; NULL: it said nothing */
	const char *facts_why; /* then: why */
	bool is_serving;       /* the facts are those of a daemon that runs */
	/* Measured, as no file tells. */
	uint64_t disk_free;			/* bytes where the state folder is or would be */
	uint64_t nofile;			/* how many files baileyd may have open */
	bool is_clock_synced, has_key_provider; /* it takes connections */
	char busy[128]; /* addresses of baileyd's that another program has; "" for none */
};

struct check_row {
	const char *name; /* "cpu.tdx" */
	enum check_need need;
	enum check_state state;
	char found[CHECK_FOUND_MAX], remedy[CHECK_REMEDY_MAX]; /* remedy: "" if none is needed */
};

struct check_summary {
	bool vms, tdx; /* VMs without a TEE; with TDX */
	bool kvm;      /* at full speed */
};

/* Measure what struct check_host says is measured, by its facts. */
void check_measure(struct check_host *h);

/* Run every check.  Return: how many rows. */
size_t check_run(const struct check_host *h, struct check_row ret[static CHECK_ROWS_MAX]);

struct check_summary check_sum(const struct check_row *rows, size_t n);

/* "ok", "warn", "missing". */
const char *check_state_name(enum check_state s);

/* "VMs", "TDX", "comfort". */
const char *check_need_name(enum check_need n);

/* Of the table, in order; NULL after the last. */
const char *check_name(size_t i);
const char *check_doc(size_t i);
