/* SPDX-License-Identifier: Apache-2.0 */
#include "console/console.h"

#include <string.h>

#include "base/str.h"

const struct console_file *console_find(const char *name)
{
	const struct console_file *f;

	for (f = console_files; f->name; f++) {
		if (str_equal(f->name, name))
			return f;
	}
	return NULL;
}

bool console_is_known(const struct console_file *f, const char *if_none_match)
{
	/* a list, weak or not: the tag is its own, so finding it anywhere is enough */
	return if_none_match &&
	       (str_equal(if_none_match, "*") || strstr(if_none_match, f->etag) != NULL);
}
