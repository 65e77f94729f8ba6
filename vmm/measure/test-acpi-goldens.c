/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of each version of QEMU, from the QEMU of this machine.
 *
 * The digests are those of Dstack-TEE/dstack, dstack/crates/qemu-acpi/src/golden_tests.rs: SHA-256 of etc/acpi/tables
 * as that version hands them out.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "measure/acpi_oracle.h"
#include "wire/acpi.h"

#define MIB (UINT64_C(1) << 20)

static const struct golden {
	const char *version;
	uint32_t cpus, mib, nics, volumes, gpus, nvswitches, nodes;
	bool hotplug_off;
	const char *sha256;
} goldens[] = {
	{ "8.2.2", 1, 2048, 1, 0, 0, 0, 0, false,
	  "ff0c03c7f4026a95b0b2f2e08cef7d501a3a44b4df036c9f26de91828f0215f6" },
	{ "9.1.0", 1, 2048, 1, 0, 0, 0, 0, false,
	  "ff0c03c7f4026a95b0b2f2e08cef7d501a3a44b4df036c9f26de91828f0215f6" },
	{ "9.2.1", 1, 2048, 1, 0, 0, 0, 0, false,
	  "b183eba66c6e96556f28cefe60ca92620b82488fcefaf66167aad61e2b2e73d1" },
	{ "10.0.2", 1, 2048, 1, 0, 0, 0, 0, false,
	  "d0410a8abdbba6d86a19a2eefd491376727e4e2d80c54349d7f30deca14ca6e1" },
	{ "11.0.0", 1, 2048, 1, 0, 0, 0, 0, false,
	  "e211dd453e651ef320d28c65d23f578e96468614614e7b1172f18df5052d0f1f" },
	{ "11.1.0", 1, 2048, 1, 0, 0, 0, 0, false,
	  "09f99e5dcf36b80a9258e849b3a9a70e7914244008e6a92a689eb22e4cc17a8f" },
	{ "11.1.0", 2, 2048, 1, 0, 0, 0, 0, false,
	  "1362c6f473801b34f93df4e2966b2d3350f7f9113750da78a2cb799177157da8" },
	{ "11.1.0", 8, 2048, 1, 0, 0, 0, 0, false,
	  "0f9fc08c5efd03f1cb3cfaa1a0a09c45dcfbc18183dbc5aa1367ad10eb65135a" },
	{ "11.1.0", 64, 2048, 1, 0, 0, 0, 0, false,
	  "089fda95fb5d45ba9a5f46ebc99d85e1331daa4dd38f60597eec9a3d95c94bb5" },
	{ "11.1.0", 1, 2048, 0, 0, 0, 0, 0, false,
	  "93a140bbc031dc313ed4011b838c8b22ffdecb474435d9fcb294be97194c953c" },
	{ "11.1.0", 1, 2048, 2, 0, 0, 0, 0, false,
	  "fbf083121cc3b46b3b7913e45e635e6bb31e11f0cb6e029aa504bc4de68e2d64" },
	{ "11.1.0", 1, 2048, 1, 1, 0, 0, 0, false,
	  "fbf083121cc3b46b3b7913e45e635e6bb31e11f0cb6e029aa504bc4de68e2d64" },
	{ "11.1.0", 1, 2048, 1, 4, 0, 0, 0, false,
	  "7d722d7e3d811aa7978030af1d2a6c6aa68a5ab9267d7dff4e57babdf1476870" },
	{ "11.1.0", 1, 2048, 1, 0, 1, 0, 0, true,
	  "0948490885eb9a777d553c7c0c529e3647533f4251b394f2f7f0a9862dadb4ca" },
	{ "11.1.0", 1, 2048, 1, 0, 8, 0, 0, true,
	  "93946fc370652394d13211bd1e9361a27128a56339017f9e3645d86f0bddc1bd" },
	{ "11.1.0", 1, 2048, 1, 0, 1, 1, 0, true,
	  "bc29add92b02f264c41cfbde65beb24499cbb43e10fefe191f3a513284c050de" },
	{ "11.1.0", 1, 2048, 1, 0, 1, 4, 0, true,
	  "323e607f82db7a002bd6a71e7a6ac1ed746e94e3daba75dde2958751861c1a57" },
	{ "11.1.0", 2, 2049, 1, 0, 1, 0, 1, false,
	  "646e5cc620fd7819f8f4756c712619d2a72c29a175fc04b79867cee80e67cf82" },
	{ "11.1.0", 2, 2815, 1, 0, 1, 0, 1, false,
	  "ee35c5e548a3f527dd12b1dd6ee14e093fd6063056470b3ef6cb6c844e4186a4" },
	{ "11.1.0", 2, 2816, 1, 0, 1, 0, 1, false,
	  "3bf181108245994ceb7e983b1fa62009dcd56f7b49fd1e96ef15eb07d04aefc9" },
};

static bool is_golden(const struct golden *g, const struct acpi_source *source)
{
	const struct acpi_shape s = {
		.cpus = g->cpus,
		.memory = g->mib * MIB,
		.nics = g->nics,
		.volumes = g->volumes,
		.gpus = g->gpus,
		.nvswitches = g->nvswitches,
		.nodes = g->nodes,
		.hotplug_off = g->hotplug_off,
		.root_verity = true,
	};
	auto_buf struct buf b = BUF_MAX(ACPI_BLOB_MAX);
	struct err e = ERR_NONE;
	struct digest256 d;
	char hex[65];

	if (acpi_oracle(&s, source, g->version, &b, NULL, &e) < 0) {
		(void)fprintf(stderr, "%s, %s: %s\n", g->version, g->sha256, e.text);
		return false;
	}
	d = digest256_bytes(b.p, b.n);
	str_hex(hex, d.b, sizeof(d.b));
	if (strcmp(hex, g->sha256) != 0)
		(void)fprintf(stderr, "%s, %s: it is %s\n", g->version, g->sha256, hex);
	return strcmp(hex, g->sha256) == 0;
}

int main(void)
{
	/* a QEMU other than the machine's can be held to them by hand */
	const struct acpi_source source = { .qemu = getenv("BAILEY_TEST_QEMU"), .cache = "" };
	size_t i, n = 0, all = sizeof(goldens) / sizeof(goldens[0]);

	if (!source.qemu && access("/usr/bin/qemu-system-x86_64", X_OK) < 0) {
		(void)puts("skipped: no qemu-system-x86_64");
		return 0;
	}
	for (i = 0; i < all; i++)
		n += is_golden(&goldens[i], &source);
	(void)printf("%zu of %zu goldens\n", n, all);
	assert(n == all);
	return 0;
}
