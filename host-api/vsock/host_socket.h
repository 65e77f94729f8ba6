/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_socket: the unix sockets where a guest meets programs of the host
 *
 * The convention: a guest that connects to host port N reaches the socket <uds>_N; a
 * host program that wants the guest connects to <uds> (greeting.h).
 */
#pragma once

#include <stdint.h>
#include <sys/un.h>

struct err;

enum {
	/* of <uds>, so that "_4294967295" and the 0 fit behind it */
	HOST_SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 12,
};

/**
 * host_socket_listen() - a listening socket at @path
 *
 * It appears at @path when it can be connected to.  A socket left there by one who
 * died is replaced; anything else is not touched.
 *
 * Return: the descriptor, non-blocking; or a negative errno.
 */
int host_socket_listen(const char *path, struct err *e);

/* A struct device_host connect function; @uds is the path. */
int host_socket_connect(void *uds, uint32_t port);
