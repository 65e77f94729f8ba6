/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char docker_io[] = "docker.io/";

/* The length of the first component if it is a host: it has a dot or a port, or is localhost. */
static size_t host_length(const char *repo)
{
	size_t n = strcspn(repo, "/");

	if (!repo[n])
		return 0;
	if (memchr(repo, '.', n) || memchr(repo, ':', n) ||
	    (n == 9 && str_starts(repo, "localhost/")))
		return n;
	return 0;
}

static bool host_is_valid(const char *host, size_t n)
{
	const char *colon = memchr(host, ':', n);
	size_t m = colon ? (size_t)(colon - host) : n;
	char port[8];
	uint32_t number;

	if (m == 0 || strspn(host, LOWER UPPER DIGITS ".-") < m || host[0] == '-' || host[0] == '.')
		return false;
	return !colon || (str_format(port, sizeof(port), "%.*s", (int)(n - m - 1), colon + 1) > 0 &&
			  num_parse_u32(port, 1, UINT16_MAX, &number) == 0);
}

const char *registry_repo_of(const char *url)
{
	if (str_starts(url, "https://"))
		return url + strlen("https://");
	return str_starts(url, "http://") ? url + strlen("http://") : url;
}

bool registry_repo_is_valid(const char *repo)
{
	size_t host = host_length(repo), n = strlen(repo), i;
	const char *path = host ? repo + host + 1 : repo;

	if (n > REGISTRY_REPO_MAX || !*path || (host && !host_is_valid(repo, host)))
		return false;
	if (path[strspn(path, LOWER DIGITS "._-/")])
		return false;
	for (i = 0; path[i]; i++) { /* each component begins and ends with a letter or a digit */
		if (strchr("._-/", path[i]) &&
		    (i == 0 || !path[i + 1] || path[i - 1] == '/' || path[i + 1] == '/') &&
		    (path[i] != '/' || i == 0 || !path[i + 1] || path[i + 1] == '/'))
			return false;
	}
	return true;
}

bool registry_repo_is_loopback(const char *repo)
{
	size_t n = host_length(repo), m = 0;

	while (m < n && repo[m] != ':')
		m++;
	return (m == 9 && memcmp(repo, "localhost", m) == 0) ||
	       (m > 4 && str_starts(repo, "127.") && strspn(repo, DIGITS ".") == m);
}

bool registry_tag_is_valid(const char *tag)
{
	char name[IMAGE_NAME_MAX + 1];
	size_t n = strlen(tag);

	if (n < 1 || n > REGISTRY_TAG_MAX || strspn(tag, LOWER UPPER DIGITS "._-") != n ||
	    tag[0] == '.' || tag[0] == '-' || strstr(tag, ".."))
		return false;
	registry_image_name(tag, name);
	return image_name_is_valid(name);
}

void registry_image_name(const char *tag, char ret[static IMAGE_NAME_MAX + 1])
{
	bool is_named = str_starts(tag, "dstack-") || str_starts(tag, "bailey-");

	(void)str_format(ret, IMAGE_NAME_MAX + 1, "%s%s", is_named ? "" : "dstack-", tag);
}

bool registry_tag_is_measure(const char *tag)
{
	return str_starts(tag, "sha256-") || str_starts(tag, "mr-sha256-");
}

static void add(struct registry_argv *a, const char *word)
{
	size_t n = 0;

	while (a->argv[n])
		n++;
	assert(n + 1 < REGISTRY_ARGS_MAX);
	a->argv[n] = word;
}

/* --policy, and no lookaside storage of signatures from elsewhere. */
static void add_program(struct registry_argv *a, const struct registry_source *s)
{
	add(a, "skopeo");
	add(a, "--policy");
	add(a, s->policy);
	add(a, "--tmpdir");
	add(a, s->tmp);
	add(a, "--override-os");
	add(a, "linux");
	add(a, "--override-arch");
	add(a, "amd64");
}

static const char *full(const char *repo)
{
	return host_length(repo) ? "" : docker_io;
}

void registry_list_argv(const struct registry_source *s, struct registry_argv *ret)
{
	*ret = (struct registry_argv){ .argv = { NULL } };
	(void)str_format(ret->from, sizeof(ret->from), "docker://%s%s", full(s->repo), s->repo);
	add_program(ret, s);
	add(ret, "list-tags");
	add(ret, s->is_insecure ? "--tls-verify=false" : "--tls-verify=true");
	if (s->auth_file) {
		add(ret, "--authfile");
		add(ret, s->auth_file);
	} else {
		add(ret, "--no-creds");
	}
	add(ret, ret->from);
}

void registry_copy_argv(const struct registry_source *s, const char *tag, const char *dir,
			struct registry_argv *ret)
{
	*ret = (struct registry_argv){ .argv = { NULL } };
	(void)str_format(ret->from, sizeof(ret->from), "docker://%s%s:%s", full(s->repo), s->repo,
			 tag);
	(void)str_format(ret->to, sizeof(ret->to), "dir:%s", dir);
	add_program(ret, s);
	add(ret, "copy");
	add(ret, "--quiet");
	add(ret, "--dest-decompress");
	add(ret, s->is_insecure ? "--src-tls-verify=false" : "--src-tls-verify=true");
	if (s->auth_file) {
		add(ret, "--src-authfile");
		add(ret, s->auth_file);
	} else {
		add(ret, "--src-no-creds");
	}
	add(ret, ret->from);
	add(ret, ret->to);
}

int registry_read_tags(const void *p, size_t n, char ***ret, size_t *ret_n, struct err *e)
{
	json_t *doc = NULL;
	const json_t *list, *tag;
	char **tags;
	size_t i, m = 0;
	int rc = json_parse(p, n, REGISTRY_LIST_MAX, "the list of tags", &doc, e);

	if (rc < 0)
		return rc;
	list = json_object_get(doc, "Tags");
	tags = xcalloc(REGISTRY_TAGS_MAX + 1, sizeof(*tags));
	for (i = 0; i < json_array_size(list) && m < REGISTRY_TAGS_MAX; i++) {
		tag = json_array_get(list, i);
		if (json_is_string(tag) && !registry_tag_is_measure(json_string_value(tag)) &&
		    registry_tag_is_valid(json_string_value(tag)))
			tags[m++] = xstrdup(json_string_value(tag));
	}
	json_decref(doc);
	*ret = tags;
	*ret_n = m;
	return 0;
}

void registry_tags_free(char **tags, size_t n)
{
	while (n > 0)
		free(tags[--n]);
	free(tags);
}

/* The last @mark in the @n bytes at @p; NULL if there is none. */
static const char *last_of(const char *p, size_t n, const char *mark)
{
	const char *found = NULL, *at = p;

	while ((at = memmem(at, n - (size_t)(at - p), mark, strlen(mark))) != NULL)
		found = at++;
	return found;
}

const char *registry_said(const void *p, size_t n, char ret[static REGISTRY_SAID_SIZE])
{
	static const char mark[] = "msg=\"";
	const char *text = p ? p : "", *from = last_of(text, n, mark), *end = text + n;
	char plain[REGISTRY_SAID_SIZE - 16];
	size_t m = 0;

	from = from ? from + strlen(mark) : text;
	for (; from < end && *from != '\n' && *from != '"' && m < sizeof(plain); from++) {
		from += *from == '\\' && from + 1 < end; /* what follows is quoted */
		plain[m++] = *from;
	}
	return str_escape(ret, REGISTRY_SAID_SIZE, m ? plain : "nothing",
			  m ? m : strlen("nothing"));
}

static int read_layer(const json_t *j, struct registry_layer *ret, struct err *e)
{
	const char *digest = json_get_str(j, "digest", "");
	const json_t *size = json_object_get(j, "size");

	if (!str_starts(digest, "sha256:") ||
	    str_unhex(ret->digest.b, sizeof(ret->digest.b), digest + strlen("sha256:")))
		return err_set(e, ERR_PROTO, "its manifest has a layer without a sha256 digest");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(e, ERR_PROTO, "its manifest has a layer without a size");
	ret->size = (uint64_t)json_integer_value(size);
	return 0;
}

int registry_read_manifest(const void *p, size_t n, struct registry_manifest *ret, struct err *e)
{
	struct registry_manifest m = { .n = 0 };
	json_t *doc = NULL;
	const json_t *layers;
	size_t i;
	int rc = json_parse(p, n, REGISTRY_MANIFEST_MAX, "its manifest", &doc, e);

	if (rc < 0)
		return rc;
	layers = json_object_get(doc, "layers");
	m.n = json_array_size(layers);
	if (m.n < 1 || m.n > REGISTRY_LAYERS_MAX)
		rc = err_set(e, ERR_PROTO, "its manifest has %zu layers; an image has 1 to %d", m.n,
			     REGISTRY_LAYERS_MAX);
	for (i = 0; rc == 0 && i < m.n; i++)
		rc = read_layer(json_array_get(layers, i), &m.layers[i], e);
	json_decref(doc);
	if (rc == 0)
		*ret = m;
	return rc;
}
