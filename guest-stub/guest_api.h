/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_api: what the host may ask (vsock port 8000, /api/<Method>)
 *
 * Wire     service GuestApi of proto/guest.proto.
 */
#pragma once

#include "rpc/rpc.h"

struct about;
struct app_cert;

struct guest_api {
	const struct about *about;   /* borrowed */
	void (*shutdown)(void *arg); /* asked to; the answer is on its way */
	void *arg;
	struct app_cert *app_cert; /* borrowed; NULL: none */
};

/* The handlers' ctx is a struct guest_api. */
extern const struct rpc_service guest_api_service;
