/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/mr_config.h"

#include <assert.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "crypto/keccak.h"

static const char v3_domain[] = "dstack-mr-config-v3:"; /* its final 0 is hashed too */

static struct mr_config with_version(uint8_t version, const struct digest256 *digest)
{
	struct mr_config m = { .b = { version } };

	memcpy(m.b + 1, digest->b, sizeof(digest->b));
	return m;
}

struct mr_config mr_config_v1(const struct digest256 *compose_hash)
{
	return with_version(1, compose_hash);
}

struct mr_config mr_config_v2(const struct digest256 *compose_hash, const uint8_t app_id[static 20],
			      uint8_t kind, const void *provider_id, size_t n)
{
	const struct digest_part parts[] = {
		{ compose_hash->b, sizeof(compose_hash->b) },
		{ app_id, 20 },
		{ &kind, 1 },
		{ provider_id, n },
	};
	const struct digest256 digest = keccak256_of(parts, 4);

	return with_version(2, &digest);
}

struct mr_config mr_config_v3(const char *document, size_t n)
{
	const struct digest_part parts[] = { { v3_domain, sizeof(v3_domain) }, { document, n } };
	const struct digest256 digest = digest256_of(parts, 2);

	return with_version(3, &digest);
}

void mr_config_text(const struct mr_config *m, char ret[static MR_CONFIG_TEXT_SIZE])
{
	auto_buf struct buf b = BUF_MAX(MR_CONFIG_TEXT_SIZE);
	int rc = base64_encode(&b, m->b, sizeof(m->b));

	assert(rc == 0 && b.n == MR_CONFIG_TEXT_SIZE - 1); /* its size is fixed */
	memcpy(ret, b.p, b.n + 1);
}
