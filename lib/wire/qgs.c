/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/qgs.h"

#include <assert.h>
#include <string.h>

#include "base/rd.h"

enum { MAJOR = 1, TYPE_GET_QUOTE = 0, TYPE_QUOTE = 1, HEADER_SIZE = 16 };

const char *qgs_verdict_text(enum qgs_verdict v)
{
	static const char *const texts[QGS_VERDICT_COUNT] = {
		[QGS_OK] = "it is whole",
		[QGS_TOO_LARGE] = "it is larger than 16 KiB",
		[QGS_TRUNCATED] = "it is cut off",
		[QGS_BAD_VERSION] = "it is not of version 1",
		[QGS_BAD_TYPE] = "it is no answer to a request for a quote",
		[QGS_BAD_SIZE] = "its sizes do not add up, or there is no quote in it",
		[QGS_REFUSED] = "the service refuses",
	};

	assert(v < QGS_VERDICT_COUNT);
	return texts[v];
}

static uint8_t *put(uint8_t *at, uint32_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		*at++ = (uint8_t)(v >> 8 * i);
	return at;
}

void qgs_request(const uint8_t report[static QGS_REPORT_SIZE], uint8_t ret[static QGS_REQUEST_SIZE])
{
	const uint32_t size = QGS_REQUEST_SIZE - QGS_LENGTH_SIZE;
	uint8_t *at = ret;

	*at++ = 0;
	*at++ = 0;
	*at++ = (uint8_t)(size >> 8);
	*at++ = (uint8_t)size;
	at = put(at, MAJOR, 2);
	at = put(at, 0, 2);
	at = put(at, TYPE_GET_QUOTE, 4);
	at = put(at, size, 4);
	at = put(at, 0, 4); /* no error */
	at = put(at, QGS_REPORT_SIZE, 4);
	at = put(at, 0, 4); /* no list of ids: the service chooses its key */
	memcpy(at, report, QGS_REPORT_SIZE);
}

enum qgs_verdict qgs_length(const uint8_t p[static QGS_LENGTH_SIZE], size_t *ret)
{
	struct rd r = rd_over(p, QGS_LENGTH_SIZE);
	uint32_t n = rd_be32(&r);

	if (n > QGS_ANSWER_MAX)
		return QGS_TOO_LARGE;
	*ret = n;
	return QGS_OK;
}

enum qgs_verdict qgs_parse(const void *p, size_t n, struct qgs_answer *ret)
{
	struct qgs_answer a = { 0 };
	struct rd r = rd_over(p, n);
	uint16_t major;
	uint32_t type, size, n_id;

	if (n > QGS_ANSWER_MAX)
		return QGS_TOO_LARGE;
	major = rd_le16(&r);
	(void)rd_le16(
		&r); /* minor: what it adds comes after what we read, which must not be there */
	type = rd_le32(&r);
	size = rd_le32(&r);
	a.error = rd_le32(&r);
	if (r.failed)
		return QGS_TRUNCATED;
	if (major != MAJOR)
		return QGS_BAD_VERSION;
	if (type != TYPE_QUOTE)
		return QGS_BAD_TYPE;
	if (size != n)
		return QGS_BAD_SIZE;
	*ret = a;
	if (a.error)
		return QGS_REFUSED;
	n_id = rd_le32(&r);
	a.n_quote = rd_le32(&r);
	(void)rd_take(&r, n_id);
	a.quote = rd_take(&r, a.n_quote);
	if (r.failed)
		return QGS_TRUNCATED;
	if (!rd_done(&r) || a.n_quote == 0)
		return QGS_BAD_SIZE;
	*ret = a;
	return QGS_OK;
}
