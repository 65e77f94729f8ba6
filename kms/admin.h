/* SPDX-License-Identifier: Apache-2.0 */
/* admin: what the operator of a key service may ask it; the context is a struct kms */
#pragma once

struct rpc_service;

extern const struct rpc_service admin_service;
