/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_yaml: an app as its operator wrote it, checked
 *
 * Owns     the checked document and the app-compose.json made of it.  APP_NULL is a valid empty
 *          one; app_deinit() is idempotent.
 * Invariant app_table is the specification: bailey-app.yaml(5) is held against it by a test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "data/conf.h"

struct err;
struct faults;

enum {
	APP_FILE_MAX = 1024 * 1024,	/* the YAML, and each file it names */
	APP_TEXT_MAX = 8 * 1024 * 1024, /* below what an RPC may carry */
	APP_INIT_SCRIPTS_MAX = 5,	/* what a guest takes */
	APP_GPUS_MAX = 32,		/* what a VM takes */
	APP_SIGNER = 33,		/* bytes of kms_signer */
	APP_SEALED_MIN = 32 + 12 + 16,	/* see crypto/env_box.h */
	APP_SEALED_MAX = 256 * 1024,	/* of a sealed environment, what a guest takes */
};

extern const struct conf_key app_table[];

struct app {
	char *file;	   /* as the operator named it */
	json_t *doc;	   /* app_table's shape, defaults filled in */
	char *compose;	   /* the bytes whose SHA-256 is the compose hash */
	char *user_config; /* "" if none */
	bool leaves_env; /* it came without its folder: what a VM has sealed is not its to change */
	char *sealed;  /* the sealed environment, hex; NULL: none, or env_file is not sealed yet */
	char hash[65]; /* compose hash, hex */
	struct faults *
		faults; /* while it is parsed: where mistakes are collected; borrowed, may be NULL */
};

/* Where an app comes from. */
struct app_origin {
	const char *file;	/* how messages name the YAML */
	const char *dir;	/* the folder of the files that it names; NULL: they are attached */
	const json_t *attached; /* name -> text, for those without a folder; NULL: none */
	struct faults *faults;	/* where every mistake is added; NULL: the first one is the last */
};

#define APP_NULL ((struct app){ .file = NULL })

void app_deinit(struct app *a);
#define auto_app __attribute__((cleanup(app_deinit)))

/**
 * app_load() - read @path, check it, read the files it names, and make its app-compose.json
 *
 * Files are named relative to the folder of @path.
 *
 * Return: 0; ERR_INPUT with "file:line: key: what is wrong; what would be right"; errno.
 */
int app_load(const char *path, struct app *ret, struct err *e);

/* The same from memory: @dir is where the files are that it names. */
int app_parse(const void *p, size_t n, const char *file, const char *dir, struct app *ret,
	      struct err *e);

/*
 * The same for any origin.  Nothing is opened when there is no folder: a key that names a file which
 * is not attached is a mistake, told at its line.
 */
int app_parse_from(const void *p, size_t n, const struct app_origin *o, struct app *ret,
		   struct err *e);

/* "file:line: path: " in front of the message, the line of @path if it was written; return ERR_INPUT.
   While the app is parsed it is added to the faults, too. */
int app_error(const struct app *a, const char *path, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The value at "resources.memory"; NULL if absent.  Borrowed. */
const json_t *app_get(const struct app *a, const char *path);
const char *app_str(const struct app *a, const char *path); /* "" if absent */
