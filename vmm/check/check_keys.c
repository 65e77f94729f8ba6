/* SPDX-License-Identifier: Apache-2.0 */
/* check_keys: what attestation and sealing keys need of the host */
#include "check/check_parts.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"

void check_qgs(const struct check_host *h, struct check_row *r)
{
	auto_buf struct buf b = BUF_MAX(0);

	if (check_may(h, "/run/tdx-qgs/qgs.socket", F_OK) ||
	    check_may(h, "/var/run/tdx-qgs/qgs.socket", F_OK)) {
		check_ok(r, "/run/tdx-qgs/qgs.socket");
		return;
	}
	/* by vsock it shows nowhere but in its own configuration */
	if (check_read(h, "/etc/qgs.conf", &b) == 0 && b.n && strstr((const char *)b.p, "port")) {
		check_bad(r, CHECK_WARN, "see that it runs: systemctl status qgsd",
			  "/etc/qgs.conf is there; whether it listens by vsock is not seen");
		return;
	}
	check_bad(r, CHECK_MISSING,
		  "install Intel's tdx-qgs and sgx-dcap packages, register the platform, and "
		  "systemctl enable --now qgsd",
		  "no quote generation service: /run/tdx-qgs/qgs.socket is not there");
}

static bool wants_keys(const struct check_host *h)
{
	return *check_fact(h, "key_provider") != 0;
}

void check_sgx(const struct check_host *h, struct check_row *r)
{
	bool enclave = check_may(h, "/dev/sgx_enclave", F_OK);
	bool provision = check_may(h, "/dev/sgx_provision", F_OK);

	if (enclave && provision)
		check_ok(r, "/dev/sgx_enclave, /dev/sgx_provision");
	else if (!wants_keys(h))
		check_ok(r, "no SGX devices; none are needed, as key_provider is off");
	else
		check_bad(
			r, CHECK_WARN,
			"switch SGX on in the firmware; or run bailey-key-provider, whose keys the "
			"host's root can read",
			"there is no %s", enclave ? "/dev/sgx_provision" : "/dev/sgx_enclave");
}

void check_key_provider(const struct check_host *h, struct check_row *r)
{
	if (!wants_keys(h))
		check_ok(r, "none is configured");
	else if (h->has_key_provider)
		check_ok(r, "%.120s answers", check_fact(h, "key_provider"));
	else
		check_bad(r, CHECK_WARN,
			  "start the key provider, or correct key_provider.address; guests with "
			  "key_provider: local wait for it",
			  "%.120s takes no connection", check_fact(h, "key_provider"));
}
