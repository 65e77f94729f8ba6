/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-keys TABLE PAGE: does a manual page list exactly the keys that the table reads?
 *
 * An entry is a line ".It Cm path.of.key"; "ports[].host" is key "ports.host" of the table.  What
 * the table has as a default, the entry says: "Default: X.".
 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#ifdef HAVE_APP
#include "app/app_yaml.h"
#endif
#ifdef HAVE_DAEMON
#include "daemon/config.h"
#endif
#include "data/conf.h"
#ifdef HAVE_KEY_PROVIDER /* in a program of its own: it has a struct config, too */
#include "key-provider/config.h"
#endif
#ifdef HAVE_KMS
#include "kms/allow.h"
#include "kms/config.h"
#endif
#ifdef HAVE_GATEWAY
#include "gateway/config.h"
#endif

enum { ENTRIES_MAX = 512, PATH_SIZE = 128 };

struct page {
	const char *name;
	struct buf text;
	char keys[ENTRIES_MAX][PATH_SIZE];
	const char *entries[ENTRIES_MAX]; /* the text after the key's line */
	bool is_seen[ENTRIES_MAX];
	size_t n, n_missing;
};

static void read_entry(struct page *p, const char *line, size_t n)
{
	static const char start[] = ".It Cm ";
	char *out = p->keys[p->n];
	size_t i, at = 0;

	if (n < sizeof(start) || memcmp(line, start, sizeof(start) - 1) != 0)
		return;
	assert(p->n < ENTRIES_MAX && n < PATH_SIZE);
	for (i = sizeof(start) - 1; i < n && line[i] != ' '; i++) {
		if (line[i] != '[' && line[i] != ']')
			out[at++] = line[i];
	}
	out[at] = 0;
	p->entries[p->n++] = line + n;
}

static void read_page(struct page *p, const char *path)
{
	const char *line, *end;

	p->name = path;
	assert(file_read(AT_FDCWD, path, 1 << 20, &p->text, NULL) == 0);
	for (line = (const char *)p->text.p; (end = strchr(line, '\n')); line = end + 1)
		read_entry(p, line, (size_t)(end - line));
}

/* Does the entry, up to the next one, say the default? */
static bool says_default(const char *entry, const char *otherwise)
{
	const char *end = strstr(entry, "\n.It "), *found;
	char want[PATH_SIZE];

	assert(str_format(want, sizeof(want), "\nDefault: %s.\n", otherwise) > 0);
	found = strstr(entry, want);
	return found && (!end || found < end);
}

static void on_key(const char *path, const struct conf_key *k, void *arg)
{
	struct page *p = arg;
	const char *otherwise = k->otherwise;
	size_t i = 0;

	while (i < p->n && !str_equal(p->keys[i], path))
		i++;
	if (i == p->n) {
		(void)fprintf(stderr, "%s has no entry for the key %s\n", p->name, path);
		p->n_missing++;
		return;
	}
	p->is_seen[i] = true;
	if (!otherwise || str_equal(otherwise, "\"\"") || says_default(p->entries[i], otherwise))
		return;
	(void)fprintf(stderr, "%s: %s: does not say \"Default: %s.\"\n", p->name, path, otherwise);
	p->n_missing++;
}

int main(int argc, char **argv)
{
	static struct page p;
	const struct conf_key *table = NULL;
	size_t i, n_extra = 0;

	assert(argc == 3);
#ifdef HAVE_APP
	if (str_equal(argv[1], "app"))
		table = app_table;
#endif
#ifdef HAVE_DAEMON
	if (str_equal(argv[1], "daemon"))
		table = config_table;
#endif
#ifdef HAVE_KEY_PROVIDER
	if (str_equal(argv[1], "key-provider"))
		table = config_keys;
#endif
#ifdef HAVE_KMS
	if (str_equal(argv[1], "kms"))
		table = kms_config_table;
	if (str_equal(argv[1], "kms-allow"))
		table = allow_table;
#endif
#ifdef HAVE_GATEWAY
	if (str_equal(argv[1], "gateway"))
		table = gw_config_table;
#endif
	assert(table);
	read_page(&p, argv[2]);
	conf_each(table, on_key, &p);
	for (i = 0; i < p.n; i++) {
		if (p.is_seen[i])
			continue;
		(void)fprintf(stderr, "%s has an entry %s that is no key\n", p.name, p.keys[i]);
		n_extra++;
	}
	assert(p.n > 0);
	buf_deinit(&p.text);
	return p.n_missing || n_extra ? 1 : 0;
}
