/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/lite_config.h"

#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "data/sys_vm_config.h"
#include "tee/lite.h"

static int decode(const char *what, const char *text, size_t max, struct buf *ret, struct err *e)
{
	size_t n = strlen(text);
	ssize_t got = -1;

	*ret = BUF_MAX(max + 3);
	if (base64_room(n) <= max + 3 && buf_reserve(ret, base64_room(n)) == 0)
		got = base64_decode(ret->p, text, n);
	if (got < 0) {
		return err_set(e, ERR_INPUT,
			       "vm_config: tdx_measurement: %s is no base64 of at most %zu bytes",
			       what, max);
	}
	ret->n = (size_t)got;
	return 0;
}

int lite_config_read(const struct sys_vm_config *vm, struct lite_document *ret, struct err *e)
{
	auto_buf struct buf sums = { 0 }, document = { 0 };
	struct digest256 hash;
	int rc;

	if (!vm->measurement || !vm->sums)
		return err_set(e, ERR_MISSING,
			       "vm_config has no tdx_measurement: its image's files are needed");
	if (!vm->has_os_image_hash)
		return err_set(e, ERR_INPUT, "vm_config: os_image_hash is missing");
	memcpy(hash.b, vm->os_image_hash, sizeof(hash.b));
	rc = decode("checksum_file", vm->sums, LITE_SUMS_MAX, &sums, e);
	if (rc == 0)
		rc = decode("measurement", vm->measurement, LITE_DOCUMENT_MAX, &document, e);
	if (rc == 0)
		rc = lite_bind(&hash, sums.p, sums.n, document.p, document.n, e);
	return rc < 0 ? rc : lite_parse(document.p, document.n, ret, e);
}
