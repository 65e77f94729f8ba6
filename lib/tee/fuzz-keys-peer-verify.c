/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-peer-verify: any bytes as the attestation of who asks for keys
 *
 * Input: attestation, then from the last NUL on a vm_config.  Nothing that anybody can write down is believed: without
 * collateral no quote is, and what is refused says why.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/x509.h"
#include "tee/known.h"
#include "tee/measure.h"
#include "tee/measurement.h"
#include "tee/peer_verify.h"
#include "tee/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void judge(struct peer *p)
{
	static const uint8_t key[91] = { 0x30, 0x59 };
	struct x509_cert *root = root_intel();
	const struct peer_quote_args q = { .collateral_fault = "none", .root = root, .at = 1 };
	struct peer_verify_args a = { .key = key, .n_key = sizeof(key), .is_booting = true };
	struct measurement m;
	struct measure_acpi acpi;
	struct boot_info b;
	struct err e = ERR_NONE;

	if (peer_quote(p, &q))
		abort();
	if (peer_measure(p, true, &m, NULL) == 0)
		a.measurement = &m;
	(void)peer_acpi(p, &acpi, NULL);
	if (peer_verify(p, &a, &b, NULL, &e) == 0 || !*e.text)
		abort();
	x509_cert_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nul = n ? memrchr(p, 0, n) : NULL;
	size_t n_config = nul ? (size_t)(p + n - nul) - 1 : 0;
	char *config = calloc(1, n_config + 1);
	struct peer *peer = NULL;
	struct err e = ERR_NONE;

	if (!config)
		return 0;
	if (nul)
		memcpy(config, nul + 1, n_config);
	if (peer_read(p, n - n_config, config, &peer, &e) == 0)
		judge(peer);
	else if (!*e.text)
		abort();
	peer_free(peer);
	free(config);
	return 0;
}
