/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/agent.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/json.h"
#include "rpc/agent_client.h"

enum { REPORT_DATA = 64 };

int agent_key(const char *socket, const char *path, struct secret32 *ret, struct err *e)
{
	json_auto_t *question =
		json_pack("{s:s, s:s, s:s}", "path", path, "purpose", "", "algorithm", "secp256k1");
	json_auto_t *answer = NULL;
	int rc = agent_client_ask(socket, "GetKey", question, &answer, e);

	if (rc == 0 && str_unhex(ret->b, sizeof(ret->b), json_get_str(answer, "key", "")) < 0)
		rc = err_set(e, ERR_PROTO, "the guest's agent gave no key of 32 bytes");
	return rc;
}

int agent_attest(const char *socket, const uint8_t report_data[static REPORT_DATA], struct buf *ret,
		 struct err *e)
{
	char hex[2 * REPORT_DATA + 1];
	json_auto_t *question = NULL, *answer = NULL;
	const char *text;
	size_t n;
	int rc;

	str_hex(hex, report_data, REPORT_DATA);
	question = json_pack("{s:s}", "report_data", hex);
	rc = agent_client_ask(socket, "Attest", question, &answer, e);
	if (rc < 0)
		return rc;
	text = json_get_str(answer, "attestation", "");
	n = strlen(text) / 2;
	if (n == 0 || n > AGENT_ATTESTATION_MAX || buf_reserve(ret, n) < 0 ||
	    str_unhex(ret->p + ret->n, n, text) < 0)
		return err_set(e, ERR_PROTO, "the guest's agent gave no attestation");
	ret->n += n;
	return 0;
}
