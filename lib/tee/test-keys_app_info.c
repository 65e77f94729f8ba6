/* SPDX-License-Identifier: Apache-2.0 */
/* app_info: dstack's array of 9 both ways, its older one of 8, and nothing else */
#undef NDEBUG
#include "tee/app_info.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define B(s) ((struct app_info_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

/* By hand, after the specification of MessagePack: eight bins of 1, 2, 0, 0, 0, 0, 0 and 2 bytes, and one hash. */
#define EIGHT                                                                                      \
	"c401aa"                                                                                   \
	"c402bbcc"                                                                                 \
	"c400"                                                                                     \
	"c400"                                                                                     \
	"c400"                                                                                     \
	"c400"                                                                                     \
	"c400"                                                                                     \
	"c4027b7d"
#define HASH                                                                                       \
	"c420"                                                                                     \
	"1111111111111111111111111111111111111111111111111111111111111111"

static struct buf bytes_of(const char *hex)
{
	struct buf b = BUF_MAX(64 * 1024);
	size_t n = strlen(hex) / 2;

	assert(buf_reserve(&b, n) == 0 && str_unhex(b.p, n, hex) == 0);
	b.n = n;
	return b;
}

static int parse(const char *hex, struct app_info *ret)
{
	auto_buf struct buf b = bytes_of(hex);
	auto_buf struct buf out = BUF_MAX(64 * 1024);
	int rc = app_info_parse(b.p, b.n, ret);

	if (rc == 0 && b.p[0] == 0x99) { /* of 9: it comes back as it was */
		assert(app_info_write(ret, &out) == 0);
		assert(out.n == b.n && memcmp(out.p, b.p, b.n) == 0);
	}
	return rc;
}

static void test_what_is_read(void)
{
	struct app_info a;

	assert(parse("99" EIGHT "91" HASH, &a) == 0);
	assert(a.app_id.n == 1 && a.compose_hash.n == 2 && a.instance_id.n == 0);
	assert(a.key_provider_info.n == 2 && a.has_init_scripts && a.n_init_scripts == 1);
	assert(parse("99" EIGHT "c0", &a) == 0 && !a.has_init_scripts);
	assert(parse("99" EIGHT "90", &a) == 0 && a.has_init_scripts && a.n_init_scripts == 0);
	assert(parse("98" EIGHT, &a) == 0 && !a.has_init_scripts && a.key_provider_info.n == 2);
	assert(parse("dc0009" EIGHT "c0", &a) == 0); /* longer than needed, as MessagePack allows */
}

static void test_what_is_refused(void)
{
	static const char *const lies[] = {
		"",
		"98",
		"99" EIGHT,				       /* one is missing */
		"98" EIGHT "c0",			       /* one too many */
		"99" EIGHT "c0c0",			       /* bytes after it */
		"9a" EIGHT "c0c0",			       /* of 10 */
		"97" EIGHT,				       /* of 7 */
		"89" EIGHT "c0",			       /* a map */
		"99a1aa" EIGHT "c0",			       /* text where bytes are */
		"99c441" EIGHT,				       /* cut off */
		"99" EIGHT "c3",			       /* a bool for the hashes */
		"99" EIGHT "91c40111",			       /* a hash of one byte */
		"99" EIGHT "91c0",			       /* a hash that is none */
		"99" EIGHT "96" HASH HASH HASH HASH HASH HASH, /* six of them */
		"99" EIGHT "ddffffffff",		       /* more than there can be */
		"ddffffffff",
	};
	struct app_info a;
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert(parse(lies[i], &a) == ERR_PROTO);
}

static void test_limits(void)
{
	static uint8_t much[APP_INFO_PROVIDER_MAX + 1];
	auto_buf struct buf b = BUF_MAX(64 * 1024);
	struct app_info a = { .app_id = { much, APP_INFO_ID_MAX },
			      .key_provider_info = { much, APP_INFO_PROVIDER_MAX } };
	struct app_info back;

	assert(app_info_write(&a, &b) == 0 && app_info_parse(b.p, b.n, &back) == 0);
	assert(back.key_provider_info.n == APP_INFO_PROVIDER_MAX);
	a.key_provider_info.n++;
	assert(app_info_write(&a, &b) == -EINVAL);
	a.key_provider_info.n = 0;
	a.app_id.n++;
	assert(app_info_write(&a, &b) == -EINVAL);
	a.app_id.n = 0;
	a.has_init_scripts = true;
	a.n_init_scripts = APP_INFO_INIT_SCRIPTS_MAX + 1;
	assert(app_info_write(&a, &b) == -EINVAL);
}

int main(void)
{
	test_what_is_read();
	test_what_is_refused();
	test_limits();
	return 0;
}
