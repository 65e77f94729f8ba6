/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api_service.h"
#include "daemon/guest_proxy.h"
#include "daemon/openapi.h"
#include "data/json.h"
#include "rpc/rpc.h"

static json_t *doc;

static json_t *at(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!v)
		(void)fprintf(stderr, "there is no %s\n", key);
	assert(v);
	return v;
}

static void expect_service(const struct rpc_service *s, const char *mount)
{
	const json_t *paths = at(doc, "paths"), *schemas = at(at(doc, "components"), "schemas");
	const struct rpc_method *m;
	const json_t *item, *fields;
	char path[128];
	unsigned int i;

	for (m = s->methods; m < s->methods + s->n_methods; m++) {
		(void)snprintf(path, sizeof(path), "%s%s", mount, m->name);
		item = at(paths, path);
		assert(at(at(item, "post"), "responses"));
		assert(!json_object_get(item, "get") == m->changes);
		assert(!json_object_get(at(item, "post"), "requestBody") == (m->in->n_fields == 0));
		fields = at(at(schemas, m->in->short_name), "properties");
		assert(json_object_size(fields) == m->in->n_fields);
		for (i = 0; i < m->in->n_fields; i++)
			assert(at(fields, m->in->fields[i].name));
	}
}

static void test_each_method_is_there_as_it_is_served(void)
{
	size_t n = vmm_service.n_methods + guest_proxy_service.n_methods;
	const char *path;
	json_t *item;
	size_t n_calls = 0;

	assert(str_equal(json_get_str(doc, "openapi", ""), "3.0.3"));
	expect_service(&vmm_service, "/prpc/");
	expect_service(&guest_proxy_service, "/guest/");
	json_object_foreach(at(doc, "paths"), path, item)
		n_calls += str_starts(path, "/prpc/") || str_starts(path, "/guest/");
	assert(n_calls == n); /* and none beside them */
}

static void test_what_is_posted_and_no_call_is_there(void)
{
	const json_t *post = at(at(at(doc, "paths"), "/console/compile"), "post");
	const json_t *in =
		at(at(at(at(post, "requestBody"), "content"), "application/json"), "schema");

	assert(at(at(in, "properties"), "yaml") && at(at(in, "properties"), "files"));
	assert(at(at(in, "properties"), "id") && at(at(post, "responses"), "200"));
}

/* NOLINTNEXTLINE(misc-no-recursion): over our own document */
static void expect_refs(json_t *j)
{
	static const char root[] = "#/components/schemas/";
	const json_t *schemas = at(at(doc, "components"), "schemas");
	const char *key, *ref = json_get_str(j, "$ref", NULL);
	json_t *v;
	size_t i;

	if (ref) {
		assert(str_starts(ref, root) && json_object_size(j) == 1);
		assert(at(schemas, ref + strlen(root)));
	}
	json_object_foreach(j, key, v)
		expect_refs(v);
	json_array_foreach(j, i, v)
		expect_refs(v);
}

int main(void)
{
	doc = openapi_document();
	assert(doc);
	test_each_method_is_there_as_it_is_served();
	test_what_is_posted_and_no_call_is_there();
	expect_refs(doc);
	json_decref(doc);
	return 0;
}
