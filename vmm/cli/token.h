/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the secret that a daemon on TCP asks for
 *
 * Never from the command line, which every user of a host can read.
 */
#pragma once

struct err;
struct host;

enum { TOKEN_MAX = 512 };

struct token {
	char text[TOKEN_MAX + 1]; /* "" if there is none */
};

void token_wipe(struct token *t);

/* @text, which @from holds.  Return: 0; ERR_INPUT: it is none. */
int token_take(const char *text, const char *from, struct token *ret, struct err *e);

/* The first line of the file @path, which nobody else may read.  Return: 1 read, 0 it is not there, ERR_INPUT. */
int token_read(const char *path, struct token *ret, struct err *e);

/*
 * For @h: the file that BAILEY_TOKEN_FILE names; else BAILEY_TOKEN itself; else bailey/tokens/NAME:PORT, else bailey/token in
 * $XDG_CONFIG_HOME or ~/.config.  None of these is no error.
 *
 * Return: 0; ERR_INPUT for a file that others may read, that is not there though named, or that holds no token.
 */
int token_find(const struct host *h, struct token *ret, struct err *e);
