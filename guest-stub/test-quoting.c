/* SPDX-License-Identifier: Apache-2.0 */
/* test-quoting: one at a time, the app first, strangers within their limits, and the log that fits the quote */
#undef NDEBUG
#include "guest-stub/quoting.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tee/registers.h"
#include "tee/runtime_log.h"

enum { ASKED_MAX = 64 };

static char dir[] = "/tmp/bailey-quoting-XXXXXX";
static int fd;

/* A TEE whose quotes are what it is told, and which minds being asked twice at once. */
static struct {
	atomic_int busy, n_quotes;
	bool fails;
	struct registers registers;
	struct tee software;
} fake;

static int extend(void *ctx, unsigned int index, const struct digest384 *d, struct err *e)
{
	(void)ctx;
	return tee_extend(&fake.software, index, d, e);
}

static int read_one(void *ctx, unsigned int index, struct digest384 *ret, struct err *e)
{
	(void)ctx;
	return tee_read(&fake.software, index, ret, e);
}

/* Report data, then RTMR3. */
static int quote(void *ctx, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	struct digest384 d;
	int r;

	(void)ctx;
	assert(atomic_fetch_add(&fake.busy, 1) == 0);
	r = fake.fails ? err_set(e, ERR_MISSING, "it is broken") : read_one(NULL, 3, &d, e);
	if (r == 0)
		r = buf_add(ret, report_data, TEE_REPORT_DATA_SIZE);
	if (r == 0)
		r = buf_add(ret, d.b, sizeof(d.b));
	(void)atomic_fetch_add(&fake.n_quotes, 1);
	(void)atomic_fetch_sub(&fake.busy, 1);
	return r;
}

static const struct tee_ops ops = { .extend = extend, .read = read_one, .quote = quote };
static const struct tee fake_tee = { .kind = TEE_SIMULATED, .ops = &ops };

static struct {
	uv_loop_t loop;
	struct quoting q;
	uint8_t order[ASKED_MAX]; /* the first byte of each report data, as they were answered */
	size_t n, n_failed;
} t;

static void begin(void)
{
	memset(&t, 0, sizeof(t));
	assert(uv_loop_init(&t.loop) == 0);
	quoting_init(&t.q, &t.loop, &fake_tee, fd);
}

static void end(void)
{
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0);
	assert(!t.q.running && !t.q.first && t.q.n_app == 0 && t.q.n_public == 0);
	assert(uv_loop_close(&t.loop) == 0);
}

static void done(void *arg, const struct quoting_result *r)
{
	struct digest384 mr;

	assert(arg == &t && t.n < ASKED_MAX);
	t.order[t.n++] = r->report_data[0];
	if (r->r < 0) {
		assert(r->e.text[0]);
		t.n_failed++;
		return;
	}
	assert(memcmp(r->quote.p, r->report_data, TEE_REPORT_DATA_SIZE) == 0);
	assert(event_log_replay(&r->runtime, NULL, &mr));
	assert(memcmp(r->quote.p + TEE_REPORT_DATA_SIZE, mr.b, sizeof(mr.b)) == 0);
}

static int ask(uint8_t what, bool is_public, struct err *e)
{
	uint8_t data[TEE_REPORT_DATA_SIZE] = { what };

	return quoting_take(&t.q, data, is_public, done, &t, e);
}

static void test_the_app_goes_before_strangers(void)
{
	static const uint8_t want[] = { 1, 4, 5, 2, 3 };

	begin();
	assert(ask(1, true, NULL) == 0); /* is being made at once */
	assert(ask(2, true, NULL) == 0 && ask(3, true, NULL) == 0);
	assert(ask(4, false, NULL) == 0 && ask(5, false, NULL) == 0);
	end();
	assert(t.n == 5 && memcmp(t.order, want, 5) == 0 && t.n_failed == 0);
}

static void test_limits_of_both(void)
{
	struct err e;
	size_t i, n = 0;

	begin();
	for (i = 0; i <= QUOTING_APP_MAX; i++)
		assert(ask((uint8_t)i, false, NULL) == 0);
	assert(ask(0xff, false, &e) == ERR_LIMIT && strstr(e.text, "try again"));
	for (i = 0; i < ASKED_MAX; i++)
		n += ask(0xee, true, &e) == 0;
	assert(n <= QUOTING_PUBLIC_MAX && strstr(e.text, "try again"));
	end();
	assert(t.n == QUOTING_APP_MAX + 1 + n);
	assert(t.order[QUOTING_APP_MAX] == QUOTING_APP_MAX && t.order[t.n - 1] == 0xee);
}

static void test_a_failure_is_told_and_is_not_the_end(void)
{
	begin();
	fake.fails = true;
	assert(ask(1, false, NULL) == 0);
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0 && t.n_failed == 1);
	fake.fails = false;
	assert(ask(2, false, NULL) == 0);
	end();
	assert(t.n == 2 && t.n_failed == 1);
}

/* Events that come between two quotes are in the log of the later one. */
static void test_log_and_register_go_together(void)
{
	size_t i;

	for (i = 0; i < 8; i++) {
		begin();
		assert(ask(1, false, NULL) == 0 && ask(2, false, NULL) == 0);
		assert(runtime_log_emit(fd, &fake_tee, "app", &i, sizeof(i), NULL) == 0);
		end();
		assert(t.n == 2 && t.n_failed == 0);
	}
}

static void test_no_tee_is_told_at_once(void)
{
	struct tee none = registers_tee(&fake.registers);
	struct err e;

	begin();
	t.q.tee = &none;
	assert(ask(1, false, &e) == ERR_MISSING && strstr(e.text, "no TEE"));
	end();
	assert(t.n == 0);
}

static void clean(void)
{
	static const char *const names[] = { "rtmr3:sha384", "runtime_event_version",
					     "runtime_event.lock", "runtime_events.log" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert(unlinkat(fd, names[i], 0) == 0);
	(void)close(fd);
	assert(rmdir(dir) == 0);
}

int main(void)
{
	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	fake.registers.dirfd = fd;
	fake.software = registers_tee(&fake.registers);
	assert(runtime_log_init(fd, 1, NULL) == 0);
	test_the_app_goes_before_strangers();
	test_limits_of_both();
	test_a_failure_is_told_and_is_not_the_end();
	test_log_and_register_go_together();
	test_no_tee_is_told_at_once();
	clean();
	return 0;
}
