/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app: the scripts of the app, in their order
 *
 *	init scripts	sourced one after the other in one shell, before anything of the app; a failing command
 *			ends the boot
 *	pre-launch	sourced in the shell that becomes the main script, so that what it exports counts
 *	main		replaces that shell; its end is not the end of the guest
 *
 * All run in /dstack with their output on the console.  bash where the image has it, else sh.
 *
 * Owns     the folder APP_SCRIPTS, 0700: the text of each script.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct supervisor;

#define APP_SCRIPTS "/dstack/.scripts"

enum {
	APP_INIT_SCRIPTS_MAX = 5,
	APP_SETTLE_MS = 2000, /* a main script that lives this long has started */
	APP_STOP_MS = 10000,  /* between SIGTERM and SIGKILL */
};

/* Texts, borrowed; NULL: none. */
struct app {
	const char *init_scripts[APP_INIT_SCRIPTS_MAX];
	size_t n_init_scripts;
	const char *pre_launch, *main;
	const char *const *env; /* NULL-terminated "K=V" for all of them */
};

/* Run the init scripts to their end.  Return: 0; ERR_INPUT saying how one ended; -ECANCELED on a stop. */
int app_run_init(const struct app *a, struct supervisor *s, struct err *e);

/* Start pre-launch and main; returns when main begins (0), pre-launch failed (ERR_INPUT), or on a stop
 * (-ECANCELED). */
int app_start(const struct app *a, struct supervisor *s, struct err *e);

/* Wait until main has settled.  Return: 0 if it lives or has exited with 0; ERR_INPUT; -ECANCELED. */
int app_settle(struct supervisor *s, struct err *e);

/**
 * app_driver() - what the shell is given with -c
 * @with: the shell that runs @then
 * @n_sourced: scripts named "<prefix>N" that are sourced, 0 to N-1
 * @then: a script that replaces the shell, after a byte on fd 3 says so; NULL: none
 *
 * Return: the text, which the caller frees.
 */
char *app_driver(const char *with, const char *prefix, size_t n_sourced, const char *then);
