/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each document becomes a sorted list of lines: "path", "path@attribute=value", "path=text".  What was sent must be
 * a sub-list of what came back.  Which of two disks a line belongs to is lost, but a dropped or changed line is not.
 */
#include "domain/domain_readback.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "domain/xml_walk.h"

enum { LINES_MAX = 8192 };

#define CHIPSET_SLOT "0x1f" /* the ICH9's: its SATA controller is always there */

struct lines {
	char **p;
	size_t n;
};

static void lines_deinit(struct lines *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->p[i]);
	free(l->p);
}

static int add_line(void *arg, const char *path, const char *attribute, const char *value)
{
	struct lines *l = arg;

	if (l->n == LINES_MAX)
		return ERR_LIMIT;
	if (!l->p)
		l->p = xcalloc(LINES_MAX, sizeof(*l->p));
	if (attribute)
		l->p[l->n++] = xasprintf("%s@%s=%s", path, attribute, value);
	else if (value)
		l->p[l->n++] = xasprintf("%s=%s", path, value);
	else
		l->p[l->n++] = xstrdup(path);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_lines(const char *xml, struct lines *l)
{
	int rc = xml_walk(xml, add_line, l);

	if (rc == 0 && l->n == 0)
		return ERR_INPUT;
	if (rc == 0)
		qsort(l->p, l->n, sizeof(*l->p), by_text);
	return rc;
}

/* A PCI device that only @line's side has? */
static bool is_device(const char *line)
{
	return str_starts(line, "/domain/devices/") && strstr(line, "/address@slot=") &&
	       !str_ends(line, "=" CHIPSET_SLOT);
}

static int compare(const struct lines *sent, const struct lines *got, struct err *e)
{
	size_t i = 0, j = 0;
	int order;

	while (i < sent->n) {
		order = j < got->n ? strcmp(sent->p[i], got->p[j]) : -1;
		if (order < 0)
			return err_set(e, ERR_HYPERVISOR, "libvirt dropped or changed \"%.200s\"",
				       sent->p[i]);
		if (order > 0 && is_device(got->p[j]))
			return err_set(e, ERR_HYPERVISOR, "libvirt added a device: \"%.200s\"",
				       got->p[j]);
		i += order == 0;
		j++;
	}
	for (; j < got->n; j++) {
		if (is_device(got->p[j]))
			return err_set(e, ERR_HYPERVISOR, "libvirt added a device: \"%.200s\"",
				       got->p[j]);
	}
	return 0;
}

int domain_readback(const char *sent, const char *got, struct err *e)
{
	struct lines a __attribute__((cleanup(lines_deinit))) = { .n = 0 };
	struct lines b __attribute__((cleanup(lines_deinit))) = { .n = 0 };

	if (read_lines(sent, &a) != 0 || read_lines(got, &b) != 0)
		return err_set(e, ERR_INPUT, "the XML of a domain cannot be read");
	return compare(&a, &b, e);
}
