/* SPDX-License-Identifier: Apache-2.0 */
/* Test log_frames: the log is the same however the connection cuts it, and nothing else is taken for it. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/log_frames.h"

/* @in in chunks of @step.  Return: the last code. */
static int feed(struct log_frames *f, const char *in, size_t n, size_t step, struct buf *out,
		uint64_t *ret_gone)
{
	struct log_piece piece;
	const char *p;
	size_t at, left;
	int rc = 0;

	for (at = 0; at < n && rc >= 0; at += step) {
		p = in + at;
		left = n - at < step ? n - at : step;
		while (left > 0 && (rc = log_frames_next(f, &p, &left, &piece)) > 0) {
			assert(buf_add(out, piece.p, piece.n) == 0);
			*ret_gone += piece.gone;
		}
	}
	return rc;
}

static void test_pieces_join_and_gaps_are_seen(void)
{
	static const char in[] = "@10 15 5\nhello@15 15 0\n@15 18 3\n@1 @118 120 2\n!\n";
	size_t step;

	for (step = 1; step < sizeof(in); step++) {
		struct log_frames f = LOG_FRAMES_NULL;
		auto_buf struct buf out = BUF_MAX(4096);
		uint64_t gone = 0;

		assert(feed(&f, in, sizeof(in) - 1, step, &out, &gone) >= 0);
		assert(out.n == 10 && memcmp(out.p, "hello@1 !\n", 10) == 0);
		assert(gone == 100 && f.at == 120);
	}
}

static void test_a_frame_cut_off_counts_to_its_last_byte(void)
{
	struct log_frames f = LOG_FRAMES_NULL;
	auto_buf struct buf out = BUF_MAX(4096);
	uint64_t gone = 0;

	assert(feed(&f, "@0 100 100\nabc", 14, 14, &out, &gone) >= 0);
	assert(f.at == 3);
}

static void test_what_is_no_frame(void)
{
	static const char *const bad[] = {
		"hello\n",    "@1 2\n",	   "@1 2 3\n",	"@2 1 1\n",
		"@1 2 1 1\n", "@-1 2 3\n", "@a b c\n",	"@\n",
		"\n",	      "@1 2 0\n",  "@ 1 2 1\n", "@0 99999999999999999999 1\n",
	};
	static char endless[200];
	size_t i;

	memset(endless, '1', sizeof(endless));
	endless[0] = '@';
	for (i = 0; i <= sizeof(bad) / sizeof(*bad); i++) {
		struct log_frames f = LOG_FRAMES_NULL;
		auto_buf struct buf out = BUF_MAX(4096);
		uint64_t gone = 0;

		if (i < sizeof(bad) / sizeof(*bad))
			assert(feed(&f, bad[i], strlen(bad[i]), 64, &out, &gone) == ERR_PROTO);
		else
			assert(feed(&f, endless, sizeof(endless), 7, &out, &gone) == ERR_PROTO);
		assert(out.n == 0);
	}
}

int main(void)
{
	test_pieces_join_and_gaps_are_seen();
	test_a_frame_cut_off_counts_to_its_last_byte();
	test_what_is_no_frame();
	return 0;
}
