/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/admin.h"

#include "base/err.h"
#include "base/str.h"
#include "kms/image_shelf.h"
#include "kms/kms.h"
#include "kms/verifier.h"
#include "proto/common.pb-c.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"

enum { HASH_SIZE = 32 };

/* "" is nothing, "all" everything, else the hex of one. */
static int clear(struct kms *k, const char *key, struct err *e)
{
	uint8_t hash[HASH_SIZE];

	if (!*key)
		return 0;
	if (str_equal(key, "all"))
		image_shelf_clear(verifier_images(k->verifier), NULL);
	else if (str_unhex(hash, sizeof(hash), key) == 0)
		image_shelf_clear(verifier_images(k->verifier), hash);
	else
		return err_set(e, ERR_INPUT, "invalid cache key");
	return 0;
}

static void clear_image_cache(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__ClearImageCacheRequest *m = (const void *)in;
	const Bailey__Empty out = BAILEY__EMPTY__INIT;
	struct err e = ERR_NONE;
	int rc = clear(ctx, m->image_hash, &e);

	if (rc == 0)
		rc = clear(ctx, m->config_hash, &e);
	if (rc < 0)
		rpc_fail(call, &e);
	else
		rpc_reply(call, &out.base);
}

static const struct rpc_method methods[] = {
	{ "ClearImageCache", &bailey__kms__clear_image_cache_request__descriptor,
	  &bailey__empty__descriptor, clear_image_cache, true, 0 },
};

const struct rpc_service admin_service = {
	.name = "Admin",
	.strip = "Admin.",
	.methods = methods,
	.n_methods = 1,
};
