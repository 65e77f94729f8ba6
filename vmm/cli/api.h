/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: calls to baileyd, on its unix socket or by its address
 *
 * Borrows  the path of the socket, the address, the token.
 * Trusts   that the socket is baileyd's (its path says so), but neither the shape nor the text of
 *          an answer: replies are capped and parsed with lib/data's limits.
 * Limits   API_REPLY_MAX a reply; API_TIMEOUT_MS a call.
 * Thread   blocks the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct err;

enum {
	API_REPLY_MAX = 64 * 1024 * 1024, /* Status of many VMs with their whole configuration */
	API_TIMEOUT_MS =
		600 * 1000, /* StopVm answers when QEMU is gone: baileyd.yaml's stop.kill */
};

struct api {
	const char *socket;  /* NULL: by @url */
	const char *url;     /* "https://host:443"; NULL: by @socket */
	const char *token;   /* NULL: none */
	const char *ca_file; /* for https; NULL: whom this host trusts */
	const char *name;    /* for messages; NULL: the socket */
	bool is_remote;	     /* it leads to another host */
};

enum { API_SOCKET_MAX = 108 };

/*
 * Where baileyd listens if nobody says: /run/bailey/baileyd.sock, or, for a user who has a daemon of their own,
 * bailey/baileyd.sock in $XDG_RUNTIME_DIR.  Return: @dst.
 */
const char *api_default_socket(char dst[static API_SOCKET_MAX]);

/**
 * api_call() - POST /prpc/@method
 * @params: borrowed; NULL: none
 * @ret:    the reply, the caller's; NULL if it is not wanted
 *
 * Return: 0; ERR_UNREACHABLE with a remedy; ERR_REFUSED with the daemon's message; ERR_PROTO.
 */
int api_call(const struct api *a, const char *method, const json_t *params, json_t **ret,
	     struct err *e);

/* api_call() with only an id. */
int api_call_id(const struct api *a, const char *method, const char *id, struct err *e);

/**
 * api_get() - GET @path (with its query), the body to @on_body as it comes
 * @on_body: negative ends the call and is returned
 *
 * Return: as api_call(); ERR_NOT_FOUND where the daemon does not know the path or what it names.
 */
int api_get(const struct api *a, const char *path,
	    int (*on_body)(const void *p, size_t n, void *arg), void *arg, struct err *e);

/* Every VM: Status().  @ret is an array of VmInfo, the caller's.  @brief leaves out configurations. */
int api_vms(const struct api *a, int brief, json_t **ret, struct err *e);

/* One VM by its id; ERR_NOT_FOUND if it is gone. */
int api_vm(const struct api *a, const char *id, int brief, json_t **ret, struct err *e);
