/* SPDX-License-Identifier: Apache-2.0 */
/* test-guest_tee: which TEE it is, and that a simulated one measures and quotes as a TD does */
#undef NDEBUG
#include "guest-stub/guest_tee.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "guest-stub/share.h"
#include "tee/runtime_log.h"
#include "wire/quote.h"

#define Z16   "00112233445566778899aabbccddeeff"
#define HEX48 Z16 Z16 Z16
#define SEED  "\"mock_attestation_seed\":\"" Z16 Z16 "\","
#define BOOT                                                                                       \
	"\"bailey\":{\"mrtd\":\"" HEX48 "\",\"mrconfigid\":\"" HEX48 "\",\"events\":["             \
	"{\"imr\":0,\"event_type\":10,\"digest\":\"" HEX48 "\",\"event\":\"acpi-loader\"},"        \
	"{\"imr\":2,\"event_type\":6,\"digest\":\"" HEX48 "\",\"event\":\"initrd\"}]}"

static char dir[] = "/tmp/bailey-tee-XXXXXX";
static int fd;

static void clean(void)
{
	static const char *const names[] = { ".tee-simulator.json", "rtmr0:sha384",
					     "rtmr1:sha384",	    "rtmr2:sha384",
					     "rtmr3:sha384",	    "runtime_event_version",
					     "runtime_event.lock",  "runtime_events.log" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(fd, names[i], 0);
}

static void hand_over(const char *text)
{
	assert(file_replace(fd, SHARE_TEE_SIMULATOR, 0600, text, strlen(text), NULL) == 0);
}

static void test_nothing_handed_over_is_no_tee(void)
{
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 0 };
	auto_buf struct buf b = BUF_MAX(TEE_QUOTE_MAX);
	struct guest_tee t;
	struct tee_td td;
	struct err e;

	assert(guest_tee_init(&t, fd, fd, NULL) == 0 && t.tee.kind == TEE_NONE);
	assert(str_equal(guest_tee_platform(&t), "") && guest_tee_boot(&t, NULL) == 0);
	assert(tee_quote(&t.tee, data, &b, &e) == ERR_MISSING && strstr(e.text, "no TEE"));
	assert(tee_td(&t.tee, &td, &e) == ERR_MISSING);
	guest_tee_deinit(&t);
}

/* What PID 1 does; the agent then is another process. */
static void boot_simulated(void)
{
	struct guest_tee t;

	hand_over("{\"platform\":\"dstack-tdx\"," SEED BOOT "}");
	assert(guest_tee_init(&t, fd, fd, NULL) == 0 && t.tee.kind == TEE_SIMULATED);
	assert(str_equal(guest_tee_platform(&t), "dstack-tdx"));
	assert(guest_tee_boot(&t, NULL) == 0);
	assert(runtime_log_init(fd, 1, NULL) == 0);
	assert(runtime_log_emit(fd, &t.tee, "app-id", "x", 1, NULL) == 0);
	guest_tee_deinit(&t);
}

static void test_simulated_boot_replays(void)
{
	auto_event_log struct event_log log = { 0 };
	struct digest384 rtmr[TEE_RTMR_COUNT];
	struct guest_tee t;
	struct tee_td td;

	boot_simulated();
	assert(guest_tee_init(&t, fd, fd, NULL) == 0);
	assert(t.boot.n == 2 && boot_log_is_acpi(&t.boot.events[0]));
	boot_log_replay(&t.boot, rtmr);
	assert(runtime_log_read(fd, &log, NULL) == 0);
	assert(event_log_replay(&log, NULL, &rtmr[TEE_RTMR_RUNTIME]));
	assert(tee_td(&t.tee, &td, NULL) == 0);
	assert(memcmp(td.rtmr, rtmr, sizeof(rtmr)) == 0 && (rtmr[0].b[0] | rtmr[0].b[1]));
	guest_tee_deinit(&t);
	clean();
}

static void test_simulated_quote_is_of_the_registers(void)
{
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 1, 2, 3 };
	auto_buf struct buf b = BUF_MAX(TEE_QUOTE_MAX);
	struct guest_tee t;
	struct tee_td td;
	struct quote q;
	size_t i;

	boot_simulated();
	assert(guest_tee_init(&t, fd, fd, NULL) == 0);
	assert(tee_td(&t.tee, &td, NULL) == 0 && tee_quote(&t.tee, data, &b, NULL) == 0);
	assert(quote_parse(b.p, b.n, &q) == QUOTE_OK && q.tee == QUOTE_TEE_TDX);
	assert(memcmp(q.td.report_data, data, sizeof(data)) == 0);
	assert(memcmp(q.td.mr_td, td.mrtd.b, 48) == 0 && q.td.mr_td[1] == 0x11);
	assert(memcmp(q.td.mr_config_id, td.mr_config_id.b, 48) == 0);
	assert(q.td.mr_config_id[1] == 0x11);
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		assert(memcmp(q.td.rtmr[i], td.rtmr[i].b, 48) == 0);
	guest_tee_deinit(&t);
	clean();
}

static void test_no_seed_no_quotes(void)
{
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 0 };
	auto_buf struct buf b = BUF_MAX(TEE_QUOTE_MAX);
	struct guest_tee t;
	struct tee_td td;
	struct err e;

	hand_over("{\"platform\":\"dstack-tdx\"}");
	assert(guest_tee_init(&t, fd, fd, NULL) == 0);
	assert(tee_td(&t.tee, &td, NULL) == 0);
	assert(tee_quote(&t.tee, data, &b, &e) == ERR_MISSING);
	assert(strstr(e.text, "tee_simulator.seed"));
	guest_tee_deinit(&t);
	clean();
}

static void test_what_the_host_made_up_is_refused(void)
{
	struct guest_tee t;
	struct err e;

	hand_over("{\"platform\":\"dstack-sgx\"}");
	assert(guest_tee_init(&t, fd, fd, &e) == ERR_INPUT && strstr(e.text, "tee-simulator"));
	guest_tee_deinit(&t);
	hand_over("");
	assert(guest_tee_init(&t, fd, fd, &e) == ERR_INPUT);
	guest_tee_deinit(&t);
	clean();
}

/* A TD does not let its host turn its quotes into worthless ones. */
static void test_a_real_one_refuses_a_simulator(void)
{
	struct guest_tee t;
	struct err e;

	assert(setenv("DCAP_TDX_RTMR_SYSFS_PATH", dir, 1) == 0);
	assert(guest_tee_init(&t, fd, fd, NULL) == 0 && t.tee.kind == TEE_TDX);
	assert(str_equal(guest_tee_platform(&t), "dstack-tdx"));
	guest_tee_deinit(&t);
	hand_over("{\"platform\":\"dstack-tdx\"}");
	assert(guest_tee_init(&t, fd, fd, &e) == ERR_PROTO && strstr(e.text, "Intel TDX"));
	guest_tee_deinit(&t);
	(void)unlinkat(fd, SHARE_TEE_SIMULATOR, 0);
	assert(setenv("DSTACK_CCEL_FILE", "/dev/null", 1) == 0);
	assert(guest_tee_init(&t, fd, fd, NULL) == 0 && t.tee.kind == TEE_TDX && t.boot.n == 0);
	guest_tee_deinit(&t);
	assert(unsetenv("DSTACK_CCEL_FILE") == 0);
	assert(unsetenv("DCAP_TDX_RTMR_SYSFS_PATH") == 0);
	clean();
}

int main(void)
{
	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	if (!tdx_is_present()) { /* else this machine is a TD, and what it is decides */
		test_nothing_handed_over_is_no_tee();
		test_simulated_boot_replays();
		test_simulated_quote_is_of_the_registers();
		test_no_seed_no_quotes();
		test_what_the_host_made_up_is_refused();
	}
	test_a_real_one_refuses_a_simulator();
	assert(file_sweep(fd, NULL) == 0);
	(void)close(fd);
	assert(rmdir(dir) == 0);
	return 0;
}
