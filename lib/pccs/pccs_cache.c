/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"

enum { NAME_SIZE = 80, DIGEST_SHOWN = 16 };

int pccs_cache_open(const char *folder, struct err *e)
{
	int rc = file_mkdir_all(folder, 0700, e), fd;

	if (rc < 0)
		return rc;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(e, errno, "%s", folder) : fd;
}

static void name_of(enum pccs_kind kind, const char *url, char ret[static NAME_SIZE])
{
	static const char *const kinds[PCCS_KIND_COUNT] = { "root-crl", "pck-crl", "tcb-info",
							    "qe-identity" };
	struct digest256 d = digest256_bytes(url, strlen(url));
	char hex[2 * DIGEST_SHOWN + 1];

	str_hex(hex, d.b, DIGEST_SHOWN);
	(void)str_format(ret, NAME_SIZE, "%s-%s.json", kinds[kind], hex);
}

int pccs_cache_get(int folder, enum pccs_kind kind, const char *url, struct pccs_part *ret)
{
	auto_buf struct buf b = { 0 };
	char name[NAME_SIZE];
	int rc;

	name_of(kind, url, name);
	rc = file_read(folder, name, PCCS_PART_FILE_MAX, &b, NULL);
	return rc < 0 ? rc : pccs_part_read(kind, b.p, b.n, url, ret, NULL);
}

int pccs_cache_put(int folder, enum pccs_kind kind, const char *url, const struct pccs_part *p,
		   struct err *e)
{
	auto_free char *text = pccs_part_file(p, url);
	char name[NAME_SIZE];

	if (!text)
		return err_set(e, -EINVAL, "the %s is not UTF-8", pccs_part_name(kind));
	name_of(kind, url, name);
	return file_replace(folder, name, 0600, text, strlen(text), e);
}
