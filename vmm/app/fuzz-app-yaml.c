/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz app_yaml: the input is an app's YAML.  Whatever passes the table and the checks becomes an
 * app-compose.json that a guest reads, is the same when made again, and makes a request with numbers in range.  The folder is one
 * where no file can be named.
 */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "app/app_yaml.h"
#include "app/changes.h"
#include "app/create.h"
#include "data/faults.h"
#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, const struct app *a)
{
	auto_app struct app again = APP_NULL;
	json_t *compose = NULL, *request;
	auto_changes struct changes none = CHANGES_NULL;

	assert(json_parse(a->compose, strlen(a->compose), APP_TEXT_MAX, "compose", &compose,
			  NULL) == 0);
	assert(json_is_object(compose));
	json_decref(compose);
	assert(app_parse(data, size, "app.yaml", "/proc/self/fdinfo", &again, NULL) == 0);
	assert(str_equal(a->hash, again.hash));
	request = create_request(a, "image", false);
	assert(json_get_u64(request, "memory", 0) >= 128);
	assert(json_get_u64(request, "disk_size", 0) >= 1);
	/* against itself nothing changes, but that its image was not ours to name */
	changes_find(a, request, &none);
	assert(none.n == (*app_str(a, "image") && !str_equal(app_str(a, "image"), "image")));
	json_decref(request);
}

/* Collecting finds faults where and only where stopping at the first one does. */
static void check_faults(const uint8_t *data, size_t size)
{
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin collects = { .file = "app.yaml", .faults = &all };
	const struct app_origin stops = { .file = "app.yaml" };
	auto_app struct app a = APP_NULL, b = APP_NULL;
	struct err e = ERR_NONE, first = ERR_NONE;
	int rc = app_parse_from(data, size, &stops, &a, &first);

	assert(app_parse_from(data, size, &collects, &b, &e) == rc);
	assert((rc == 0) == (all.n == 0));
	assert(str_equal(e.text, first.text));
}

/* "app.yaml:7: app: app-compose.json: ...": we made something that no guest takes. */
static bool guest_refuses(const char *text)
{
	const char *p = text + strlen("app.yaml");

	if (!str_starts(text, "app.yaml"))
		return false;
	if (*p == ':')
		p += 1 + strspn(p + 1, "0123456789");
	return str_starts(p, ": app: app-compose.json") || str_starts(p, " app: app-compose.json");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;

	check_faults(data, size);
	if (app_parse(data, size, "app.yaml", "/proc/self/fdinfo", &a, &e) == 0)
		check(data, size, &a);
	else
		assert(*e.text && !guest_refuses(e.text));
	return 0;
}
