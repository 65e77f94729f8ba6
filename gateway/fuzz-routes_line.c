/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-routes_line: input is a file of routes.  What is read of it can be found again. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "gateway/routes_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void on_app(const struct route_app *app, void *arg)
{
	const struct routes *r = arg;
	struct route_app found;
	const char *id = app->targets[0].load->id;

	assert(app->n > 0 && route_id_is_valid(app->load->id));
	assert(routes_find(r, id, strlen(id), &found) && found.load == app->load);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct routes_builder *b = routes_builder_new(NULL);
	struct routes *r = NULL;
	struct err e = ERR_NONE;

	if (routes_text_add((const char *)p, n, "routes", b, &e) < 0) {
		assert(e.text[0]);
		routes_builder_free(b);
		return 0;
	}
	if (routes_builder_finish(b, &r, &e) == 0)
		routes_each(r, on_app, r);
	routes_free(r);
	return 0;
}
