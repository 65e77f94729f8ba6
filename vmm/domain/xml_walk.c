/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/xml_walk.h"

#include <libxml/xmlreader.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { DEPTH_MAX = 32, PATH_MAX_BYTES = 4096 };

DEFINE_AUTO(xmlTextReaderPtr, reader, xmlFreeTextReader);

struct walk {
	xmlTextReaderPtr r;
	struct buf path;
	size_t lengths[DEPTH_MAX]; /* of the path at each depth */
	xml_walk_fn fn;
	void *arg;
};

static int attributes(struct walk *w)
{
	int rc = 0;

	while (rc == 0 && xmlTextReaderMoveToNextAttribute(w->r) == 1) {
		rc = w->fn(w->arg, (const char *)w->path.p,
			   (const char *)xmlTextReaderConstName(w->r),
			   (const char *)xmlTextReaderConstValue(w->r));
	}
	return rc;
}

static int element(struct walk *w)
{
	int depth = xmlTextReaderDepth(w->r), rc;

	if (depth < 0 || depth >= DEPTH_MAX)
		return ERR_INPUT;
	w->path.n = depth ? w->lengths[depth - 1] : 0;
	rc = buf_addf(&w->path, "/%s", (const char *)xmlTextReaderConstName(w->r));
	if (rc < 0)
		return rc;
	w->lengths[depth] = w->path.n;
	rc = w->fn(w->arg, (const char *)w->path.p, NULL, NULL);
	return rc ? rc : attributes(w);
}

static int text(struct walk *w)
{
	int depth = xmlTextReaderDepth(w->r), rc;
	auto_free char *copy = xstrdup((const char *)xmlTextReaderConstValue(w->r));
	char *from = copy, *end = copy + strlen(copy);

	while (*from && strchr(" \t\r\n", *from))
		from++;
	while (end > from && strchr(" \t\r\n", end[-1]))
		*--end = 0;
	if (!*from || !w->path.p || depth < 1 || depth > DEPTH_MAX)
		return 0;
	w->path.n = w->lengths[depth - 1];
	w->path.p[w->path.n] = 0;
	rc = w->fn(w->arg, (const char *)w->path.p, NULL, from);
	return rc;
}

static int node(struct walk *w)
{
	switch (xmlTextReaderNodeType(w->r)) {
	case XML_READER_TYPE_ELEMENT:
		return element(w);
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
		return text(w);
	default:
		return 0;
	}
}

int xml_walk(const char *xml, xml_walk_fn fn, void *arg)
{
	__attribute__((cleanup(auto_reader_fn))) xmlTextReaderPtr r = NULL;
	struct walk w = { .path = BUF_MAX(PATH_MAX_BYTES), .fn = fn, .arg = arg };
	int rc = 0, more;

	r = xmlReaderForMemory(xml, (int)strlen(xml), NULL, NULL,
			       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!r)
		return ERR_INPUT;
	w.r = r;
	while ((more = xmlTextReaderRead(r)) == 1 && rc == 0)
		rc = node(&w);
	buf_deinit(&w.path);
	return rc == 0 && more < 0 ? ERR_INPUT : rc;
}
