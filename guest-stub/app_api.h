/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_api: what the app in the guest may ask, on unix sockets
 *
 *	dstack.sock	/<Method> of DstackGuest
 *	tappd.sock	/prpc/<Method> of Tappd, the older form
 *
 * Wire     proto/agent.proto.  Without keys of the app, calls that need some say so.
 */
#pragma once

#include "rpc/rpc.h"

/* The handlers' ctx is a const struct attest. */
extern const struct rpc_service app_api_dstack, app_api_tappd;
