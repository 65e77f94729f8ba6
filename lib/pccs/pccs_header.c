/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_header.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool begins(const char *line, size_t n, const char *with)
{
	return n >= strlen(with) && strncasecmp(line, with, strlen(with)) == 0;
}

/* What follows "NAME:"; NULL if the line is not of that name. */
static const char *after_name(const char *line, size_t n, const char *name)
{
	static const char old[] = "SGX-";

	if (begins(line, n, old) && !begins(name, strlen(name), old)) {
		line += strlen(old);
		n -= strlen(old);
	}
	if (!begins(line, n, name) || n == strlen(name) || line[strlen(name)] != ':')
		return NULL;
	return line + strlen(name) + 1;
}

int pccs_header_line(struct pccs_header *h, const char *line, size_t n)
{
	const char *end = line + n, *p;
	size_t n_value;

	if (begins(line, n, "HTTP/"))
		h->value[0] = 0; /* what came before was a "100 Continue" */
	p = h->name ? after_name(line, n, h->name) : NULL;
	if (!p)
		return 0;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	n_value = (size_t)(end - p);
	h->is_bad = h->value[0] || n_value >= sizeof(h->value) || memchr(p, 0, n_value);
	if (h->is_bad)
		return -EINVAL;
	memcpy(h->value, p, n_value);
	h->value[n_value] = 0;
	return 0;
}
