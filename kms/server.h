/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: a key service on its sockets: TLS, HTTP, /health, /metrics, KMS, Admin
 *
 * Owns     the listening fds given to it and all connections.
 * Thread   the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "kms/job.h"
#include "loop/rate.h"

struct err;
struct http_server;
struct kms;
struct tls_front;

struct server {
	struct kms *kms;
	uv_loop_t *loop;
	struct tls_front *front;
	struct http_server *http, *admin;
	char *admin_token;
	struct jobs jobs;
	struct rate_table rates;
};

/* @k is borrowed and prepared.  @fds of `listen`; @admin: -1 for none; taken over in every case.  Return: 0, negative. */
int server_start(struct server *s, struct kms *k, uv_loop_t *loop, const int *fds, size_t n,
		 int admin, struct err *e);

/* Drop every connection; the loop ends once what is worked on has ended.  Then server_deinit(). */
void server_stop(struct server *s);
void server_deinit(struct server *s);
