/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: bound, listening sockets, and connected ones, by address
 *
 * Every fd is close-on-exec and non-blocking, and the caller's.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct err;

/*
 * Bind a unix socket at @path with @mode.  A stale socket (nobody accepts) is replaced; a live one is
 * ERR_CONFLICT.  The name appears with its mode already set (bound aside, renamed in).
 * Return: fd or negative.
 */
int listen_unix(const char *path, mode_t mode, struct err *e);

/* Read "127.0.0.1:8000" or "[::1]:8000"; no names.  @ret_n may be NULL.  Return: 0 or -EINVAL. */
int listen_parse_tcp(const char *address, struct sockaddr_storage *ret, socklen_t *ret_n);

/* The same, or "unix:/path". */
int listen_parse(const char *address, struct sockaddr_storage *ret, socklen_t *ret_n);

/* @address: "127.0.0.1:8000", "[::1]:8000".  Return: fd or negative. */
int listen_tcp(const char *address, struct err *e);

/* AF_VSOCK, any or a given CID.  ERR_MISSING with a remedy where the host has no vsock.  Return: fd or negative. */
int listen_vsock(uint32_t cid, uint32_t port, struct err *e);

/* Connect to a unix socket (blocking connect; local sockets do not wait).  Return: fd or negative. */
int connect_unix(const char *path, struct err *e);
