/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guest_bind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/app_compose.h"
#include "data/instance_info.h"
#include "store/mr_document.h"
#include "store/vmdir.h"

static const char info_name[] = "shared/.instance_info";

void guest_binding_deinit(struct guest_binding *b)
{
	free(b->document);
	*b = (struct guest_binding){ .document = NULL };
}

static int load_info(int dirfd, struct instance_info *ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(dirfd, info_name, INSTANCE_INFO_MAX, &b, e);

	*ret = (struct instance_info){ .seed = { .n = 0 } };
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = instance_info_parse(b.p, b.n, ret, e);
	return rc < 0 ? err_wrap(e, rc, "failed to get instance info") : 0;
}

static int bind_v3(int dirfd, const struct app_compose *c, const struct digest256 *compose_hash,
		   bool has_gpus, struct guest_binding *ret, struct err *e)
{
	uint8_t seed[MR_DOCUMENT_ID_SIZE];
	struct instance_info info;
	const struct mr_document_args args = {
		.compose = c, .compose_hash = *compose_hash, .instance = &info, .has_gpus = has_gpus
	};
	auto_free char *text = NULL;
	int rc = load_info(dirfd, &info, e);

	if (rc < 0)
		return rc;
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return err_errno(e, errno, "no random bytes");
	rc = mr_document_instance(c, compose_hash, seed, &info, e);
	if (rc == 0)
		rc = mr_document(&args, &ret->document, e);
	if (rc < 0 || !ret->document)
		return rc;
	ret->id = mr_config_v3(ret->document, strlen(ret->document));
	text = instance_info_text(&info);
	return vmdir_write_instance_info(dirfd, text, strlen(text), e);
}

int guest_bind(int dirfd, const struct app_compose *c, bool has_gpus, struct guest_binding *ret,
	       struct err *e)
{
	struct guest_binding b = { .is_bound = true };
	auto_buf struct buf compose = BUF_MAX(0);
	struct digest256 hash;
	int rc = file_read(dirfd, "shared/app-compose.json", APP_COMPOSE_MAX, &compose, e);

	if (rc < 0)
		return rc;
	hash = digest256_bytes(compose.p, compose.n);
	if (c->n_key_provider_id)
		rc = bind_v3(dirfd, c, &hash, has_gpus, &b, e);
	else
		b.id = mr_config_v1(&hash);
	if (rc < 0)
		guest_binding_deinit(&b);
	else
		*ret = b;
	return rc;
}
