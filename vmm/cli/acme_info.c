/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acme_info.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

enum { KEY_MAX = 4096, COMPOSE_MAX = 1024 * 1024 };

void acme_key_deinit(struct acme_key *k)
{
	free(k->attestation);
	free(k->quote);
	*k = (struct acme_key){ .quote = NULL };
}

static bool is_key(const json_t *entry, const void *key, size_t n)
{
	const char *hex = json_get_str(entry, "public_key", "");
	uint8_t got[KEY_MAX];

	return n && n <= sizeof(got) && strlen(hex) == 2 * n && str_unhex(got, n, hex) == 0 &&
	       memcmp(got, key, n) == 0;
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_get_str(o, key, "");

	return *text ? xstrdup(text) : NULL;
}

static int find(const json_t *keys, const void *key, size_t n, struct acme_key *ret, struct err *e)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(keys))
		return err_set(e, ERR_INPUT, "acme-info has no list quoted_hist_keys");
	if (json_array_size(keys) > ACME_INFO_KEYS_MAX)
		return err_set(e, ERR_INPUT, "acme-info has more than %d keys", ACME_INFO_KEYS_MAX);
	json_array_foreach(keys, i, one) {
		if (!is_key(one, key, n))
			continue;
		ret->attestation = text_of(one, "attestation");
		ret->quote = text_of(one, "quote");
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND,
		       "the key of this connection is none of the %zu that the gateway attests",
		       json_array_size(keys));
}

int acme_info_find(const void *p, size_t n, const void *key, size_t n_key, struct acme_key *ret,
		   struct err *e)
{
	json_t *j = NULL;
	int rc = json_parse(p, n, ACME_INFO_MAX, "acme-info", &j, e);

	if (rc < 0)
		return ERR_INPUT;
	*ret = (struct acme_key){ .quote = NULL };
	rc = find(json_object_get(j, "quoted_hist_keys"), key, n_key, ret, e);
	json_decref(j);
	return rc;
}

/* tcb_info is a text of JSON, or, with other agents, an object. */
char *acme_info_compose(const void *p, size_t n)
{
	json_t *j = NULL, *inner = NULL;
	const json_t *tcb;
	const char *text;
	char *compose;

	if (json_parse(p, n, ACME_INFO_MAX, "app-info", &j, NULL) < 0)
		return NULL;
	tcb = json_object_get(j, "tcb_info");
	text = json_string_value(tcb);
	if (text && json_parse(text, strlen(text), ACME_INFO_MAX, "tcb_info", &inner, NULL) == 0)
		tcb = inner;
	compose = text_of(tcb, "app_compose");
	if (compose && strlen(compose) > COMPOSE_MAX) {
		free(compose);
		compose = NULL;
	}
	json_decref(inner);
	json_decref(j);
	return compose;
}
