/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_api: what anybody may ask (TCP port 8090, /prpc/<Method>)
 *
 * Wire     service Worker of proto/agent.proto.
 */
#pragma once

#include "rpc/rpc.h"

/* The handlers' ctx is a const struct attest. */
extern const struct rpc_service worker_api_service;
