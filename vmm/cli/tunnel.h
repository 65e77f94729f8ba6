/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel: a daemon's unix socket on another host, brought here by ssh
 *
 * Owns     the ssh process, and a private folder with the socket's near end; both are gone after
 *          tunnel_close(), and when a signal ends us.
 * Limits   one in a process.
 * Thread   one; opening blocks until ssh has logged in, which may ask its user on the terminal.
 */
#pragma once

#include <stddef.h>

struct err;
struct host;

enum { TUNNEL_ARGS_MAX = 40, TUNNEL_PATH_MAX = 108, TUNNEL_TEXT_MAX = 256 };

struct tunnel_args {
	const char *argv[TUNNEL_ARGS_MAX];
	char forward[2 * TUNNEL_PATH_MAX], port[8];
};

/* The pure part: ssh's argument list that brings @h's socket to @near.  Borrows both. */
void tunnel_argv(const struct host *h, const char *near, struct tunnel_args *ret);

/*
 * @ret: the path of the near end.
 * Return: 0; ERR_UNREACHABLE with ssh's last words.
 */
int tunnel_open(const struct host *h, char ret[static TUNNEL_PATH_MAX], struct err *e);

/* Nothing if none is open. */
void tunnel_close(void);

/* What ssh said last, "" if nothing: why the far end refused. */
const char *tunnel_said(char dst[static TUNNEL_TEXT_MAX]);
