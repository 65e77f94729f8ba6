/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/sim_pccs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/str.h"
#include "data/json.h"
#include "simulator/simulator.h"

enum { PLAIN_MAX = 16, ANSWER_MAX = 256 * 1024 };

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain"

/* What an address names, and which members of the collateral it is made of. */
static const struct row {
	const char *path;
	bool is_tdx;
	const char *key;    /* of the query, whose value must be ... */
	const char *value;  /* NULL: the platform's FMSPC */
	const char *member; /* a list; or of a document what it is called in the answer */
	const char *part, *header;
} rows[] = {
	{ "/sgx/certification/v4/rootcacrl", true, NULL, NULL, NULL, "root_ca_crl", NULL },
	{ "/sgx/certification/v4/pckcrl", true, "ca", "platform", NULL, "pck_crl",
	  "SGX-PCK-CRL-Issuer-Chain" },
	{ "/tdx/certification/v4/tcb", true, "fmspc", NULL, "tcbInfo", "tcb_info",
	  "TCB-Info-Issuer-Chain" },
	{ "/sgx/certification/v4/tcb", false, "fmspc", NULL, "tcbInfo", "tcb_info",
	  "TCB-Info-Issuer-Chain" },
	{ "/tdx/certification/v4/qe/identity", true, NULL, NULL, "enclaveIdentity", "qe_identity",
	  "SGX-Enclave-Identity-Issuer-Chain" },
	{ "/sgx/certification/v4/qe/identity", false, NULL, NULL, "enclaveIdentity", "qe_identity",
	  "SGX-Enclave-Identity-Issuer-Chain" },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

void sim_pccs_deinit(struct sim_pccs *a)
{
	buf_deinit(&a->body);
	buf_deinit(&a->chain);
}

static void refuse(struct sim_pccs *a, int status, const char *why)
{
	a->status = status;
	a->type = TEXT_TYPE;
	(void)buf_add_str(&a->body, why); /* without memory: no words */
}

/* The value of @key in "a=b&c=d"; what is there twice is the first.  False if it is not there, or too long. */
static bool query_value(const char *query, const char *key, char ret[static PLAIN_MAX])
{
	size_t n_key = strlen(key), n;

	while (*query) {
		n = strcspn(query, "&");
		if (n > n_key && strncmp(query, key, n_key) == 0 && query[n_key] == '=') {
			return n - n_key - 1 < PLAIN_MAX &&
			       str_format(ret, PLAIN_MAX, "%.*s", (int)(n - n_key - 1),
					  query + n_key + 1) >= 0;
		}
		query += n + (query[n] == '&');
	}
	return false;
}

/* Is it this platform that is asked for? */
static bool is_ours(const struct simulator *s, const struct row *r, const char *query)
{
	char fmspc[2 * SIMULATOR_FMSPC_SIZE + 1], value[PLAIN_MAX];
	uint8_t raw[SIMULATOR_FMSPC_SIZE];

	if (!r->key)
		return true;
	simulator_platform(s, raw);
	str_hex(fmspc, raw, sizeof(raw));
	return query_value(query, r->key, value) &&
	       strcasecmp(value, r->value ? r->value : fmspc) == 0;
}

static void url_encode(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= '0' && *text <= '9') || strchr("-._~", *text))
			(void)buf_add(out, text, 1);
		else
			(void)buf_addf(out, "%%%02X", (unsigned int)(unsigned char)*text);
	}
}

static const char *text_of(const json_t *collateral, const char *part, const char *end)
{
	char name[64];

	(void)str_format(name, sizeof(name), "%s%s", part, end);
	return json_string_value(json_object_get(collateral, name));
}

static void put(const struct row *r, const json_t *collateral, struct sim_pccs *a)
{
	const char *text = text_of(collateral, r->part, "");

	a->status = 200;
	a->type = r->member ? JSON_TYPE : TEXT_TYPE;
	a->chain_header = r->header;
	if (r->member) {
		(void)buf_addf(&a->body, "{\"%s\":%s,\"signature\":\"%s\"}", r->member, text,
			       text_of(collateral, r->part, "_signature"));
	} else {
		(void)buf_add_str(&a->body, text);
	}
	if (r->header)
		url_encode(text_of(collateral, r->part, "_issuer_chain"), &a->chain);
}

void sim_pccs_answer(const struct simulator *s, int64_t at, const char *path, const char *query,
		     struct sim_pccs *ret)
{
	auto_buf struct buf text = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	json_t *collateral = NULL;
	const struct row *r = rows;
	int rc;

	*ret = (struct sim_pccs){ .body = BUF_MAX(ANSWER_MAX), .chain = BUF_MAX(ANSWER_MAX) };
	while (r < rows + N_ROWS && !str_equal(path, r->path))
		r++;
	if (r == rows + N_ROWS) {
		refuse(ret, 404, "no such address\n");
		return;
	}
	if (!is_ours(s, r, query)) {
		refuse(ret, 404, "no such platform\n");
		return;
	}
	rc = r->is_tdx ? simulator_collateral(s, at, &text)
		       : simulator_enclave_collateral(s, at, &text);
	if (rc < 0 || json_parse(text.p, text.n, text.n, "", &collateral, NULL) < 0)
		abort(); /* ours: memory is all that can be lacking */
	put(r, collateral, ret);
	json_decref(collateral);
}
