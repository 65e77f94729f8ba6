/* SPDX-License-Identifier: Apache-2.0 */
/* Test console: what is built in, and that no page needs what its own policy forbids. */
#undef NDEBUG
#include "console/console.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static void test_files_are_those_of_the_tree(void)
{
	const struct console_file *f;
	char path[512];
	size_t n = 0;

	for (f = console_files; f->name; f++, n++) {
		auto_buf struct buf want = BUF_MAX(0);

		assert(str_format(path, sizeof(path), SOURCE_DIR "/vmm/console/www/%s", f->name) >
		       0);
		assert(file_read(AT_FDCWD, path, 1 << 20, &want, NULL) == 0);
		assert(want.n == f->n && memcmp(want.p, f->bytes, f->n) == 0);
		assert(strlen(f->etag) == 18 && f->etag[0] == '"' && f->etag[17] == '"');
	}
	assert(n > 3);
}

static void test_find(void)
{
	const struct console_file *f = console_find("index.html");

	assert(f && str_starts(f->type, "text/html"));
	assert(!console_find("") && !console_find("../console.h") && !console_find("index"));
}

static void test_known_by_etag(void)
{
	const struct console_file *f = console_find("index.html");
	auto_free char *list = xasprintf("\"x\", W/%s", f->etag);

	assert(!console_is_known(f, NULL) && !console_is_known(f, "\"x\""));
	assert(console_is_known(f, f->etag) && console_is_known(f, list));
	assert(console_is_known(f, "*"));
}

/* The policy is default-src 'self': what it forbids would only show as an error in a browser. */
static void test_nothing_that_the_policy_forbids(void)
{
	static const char *const everywhere[] = {
		"http://cdn",	      "https://",	"innerHTML", "outerHTML",
		"insertAdjacentHTML", "document.write", "eval(",     "new Function"
	};
	static const char *const in_html[] = { " style=", "<style",
					       " onclick=", " onload=", "javascript:" };
	const struct console_file *f;
	size_t i;

	for (f = console_files; f->name; f++) {
		for (i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++) {
			if (memmem(f->bytes, f->n, everywhere[i], strlen(everywhere[i])))
				(void)fprintf(stderr, "%s has %s\n", f->name, everywhere[i]);
			assert(!memmem(f->bytes, f->n, everywhere[i], strlen(everywhere[i])));
		}
		for (i = 0; i < sizeof(in_html) / sizeof(in_html[0]); i++)
			assert(!str_starts(f->type, "text/html") ||
			       !memmem(f->bytes, f->n, in_html[i], strlen(in_html[i])));
	}
}

int main(void)
{
	test_files_are_those_of_the_tree();
	test_find();
	test_known_by_etag();
	test_nothing_that_the_policy_forbids();
	return 0;
}
