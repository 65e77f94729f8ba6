/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: YAML text.  Property: a tree within its limits, whose lines exist and whose maps have each
 * key once; or one printable line that says why not.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "data/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t n_nodes;

/* NOLINTNEXTLINE(misc-no-recursion): the depth is what is checked */
static void check(const struct yaml_node *n, size_t n_lines, unsigned int depth)
{
	const struct yaml_node *child;
	size_t count = 0;

	assert(depth <= YAML_DEPTH_MAX && ++n_nodes <= YAML_ENTRIES_MAX);
	assert(n->line >= 1 && n->line <= n_lines + 1);
	assert((n->kind == YAML_TEXT) == (n->text != NULL));
	for (child = n->first; child; child = child->next) {
		assert((child->key != NULL) == (n->kind == YAML_MAP));
		assert(!child->key || n->n > 100 || yaml_tree_get(n, child->key) == child);
		check(child, n_lines, depth + 1);
		count++;
	}
	assert(count == n->n);
}

static size_t lines_of(const uint8_t *p, size_t n)
{
	size_t lines = 1, i;

	/* a lone CR and the two separators of Unicode break lines too, for libyaml */
	for (i = 0; i < n; i++)
		lines += p[i] == '\n' || p[i] == '\r' || p[i] == 0x85 || p[i] >= 0xa8;
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct yaml_node *root = NULL;
	struct err e = ERR_NONE;
	const char *c;

	n_nodes = 0;
	if (yaml_tree_parse((const char *)p, n, "f", &root, &e) == 0) {
		if (root)
			check(root, lines_of(p, n), 0);
		yaml_tree_free(root);
		return 0;
	}
	assert(!root && e.code < 0 && strncmp(e.text, "f:", 2) == 0);
	for (c = e.text; *c; c++)
		assert((unsigned char)*c >= 0x20 && *c != 0x7f);
	return 0;
}
