/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-tdx: the registers of a directory that stands for sysfs, and a quoting service that is another process
 *
 * Only hardware can show that ioctls do what they say; that they are not used where sysfs has what is asked
 * for can be shown here.
 */
#undef NDEBUG
#include "tee/tdx.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/qgs.h"

#define QUOTE SOURCE_DIR "/tests/vectors/quotes/ok_v4/quote.bin"

enum { REPORT_DATA_AT = 568 };

static const char *const registers[] = { "mrtd:sha384",	  "mrconfigid",	  "mrowner",
					 "mrownerconfig", "rtmr0:sha384", "rtmr1:sha384",
					 "rtmr2:sha384",  "rtmr3:sha384" };

static char dir[] = "/tmp/bailey-tdx-XXXXXX";
static int dir_fd;

static void put(const char *name, const void *p, size_t n)
{
	assert(file_replace(dir_fd, name, 0600, p, n, NULL) == 0);
}

static void reset(void)
{
	uint8_t value[48] = { 0 };
	size_t i;

	for (i = 0; i < 8; i++) {
		value[0] = (uint8_t)(0x10 + i);
		put(registers[i], value, sizeof(value));
	}
}

/* A TD of which only the directory is there: no device, no reports. */
static struct tdx a_td(void)
{
	struct tdx t = { .qgs_ms = 10000 };

	(void)str_copy(t.device, sizeof(t.device), "/nonexistent/tdx_guest");
	(void)str_copy(t.sysfs, sizeof(t.sysfs), dir);
	(void)str_copy(t.attest_conf, sizeof(t.attest_conf), "/nonexistent/tdx-attest.conf");
	return t;
}

static void test_registers_are_read(void)
{
	struct tdx t = a_td();
	struct tee tee = tdx_tee(&t);
	struct digest384 d;
	struct tee_td td;

	reset();
	assert(tee.kind == TEE_TDX && tee_td(&tee, &td, NULL) == 0);
	assert(td.mrtd.b[0] == 0x10 && td.mr_config_id.b[0] == 0x11 && td.mr_owner.b[0] == 0x12);
	assert(td.mr_owner_config.b[0] == 0x13 && td.rtmr[0].b[0] == 0x14 &&
	       td.rtmr[3].b[0] == 0x17);
	assert(tee_read(&tee, 2, &d, NULL) == 0 && d.b[0] == 0x16);
}

/* The driver takes 48 bytes at once; here the file then holds them. */
static void test_extending_is_one_write_of_the_digest(void)
{
	struct tdx t = a_td();
	struct tee tee = tdx_tee(&t);
	struct digest384 d = { { 0xee } }, seen;

	reset();
	assert(tee_extend(&tee, 3, &d, NULL) == 0);
	assert(tee_read(&tee, 3, &seen, NULL) == 0 && memcmp(&d, &seen, sizeof(d)) == 0);
	assert(tee_read(&tee, 2, &seen, NULL) == 0 && seen.b[0] == 0x16);
}

static void test_odd_registers_are_refused(void)
{
	struct tdx t = a_td();
	struct tee tee = tdx_tee(&t);
	uint8_t bytes[49] = { 0 };
	struct digest384 d;
	struct err e;

	reset();
	put("rtmr3:sha384", bytes, 47);
	assert(tee_read(&tee, 3, &d, &e) == ERR_PROTO && strstr(e.text, "47"));
	put("rtmr3:sha384", bytes, 49);
	assert(tee_read(&tee, 3, &d, &e) == ERR_PROTO);
	/* what sysfs does not have is asked of the device, which is not there */
	assert(unlinkat(dir_fd, "rtmr3:sha384", 0) == 0);
	assert(tee_read(&tee, 3, &d, &e) == -ENOENT && strstr(e.text, "tdx_guest"));
	assert(tee_extend(&tee, 3, &d, &e) == -ENOENT && strstr(e.text, "tdx_guest"));
}

static void test_environment_decides_alone(void)
{
	struct err e = ERR_NONE;
	struct tdx t;

	assert(setenv("DCAP_TDX_RTMR_SYSFS_PATH", dir, 1) == 0);
	assert(setenv("DCAP_TDX_QUOTE_CONFIGFS_PATH", dir, 1) == 0);
	assert(tdx_is_present() && tdx_init(&t, NULL) == 0);
	assert(str_equal(t.sysfs, dir) && str_equal(t.configfs, dir));
	assert(str_equal(t.tsm.provider, "tdx_guest") && t.tsm.dir == t.configfs);
	assert(setenv("DCAP_TDX_RTMR_SYSFS_PATH", "relative", 1) == 0);
	assert(tdx_init(&t, &e) == ERR_INPUT && strstr(e.text, "DCAP_TDX_RTMR_SYSFS_PATH"));
	assert(setenv("DCAP_TDX_RTMR_SYSFS_PATH", "/nonexistent", 1) == 0);
	assert(tdx_init(&t, &e) == ERR_INPUT);
	assert(unsetenv("DCAP_TDX_RTMR_SYSFS_PATH") == 0);
	assert(unsetenv("DCAP_TDX_QUOTE_CONFIGFS_PATH") == 0);
}

static void test_a_quote_must_be_over_what_was_asked(void)
{
	auto_buf struct buf q = { 0 };
	uint8_t data[TEE_REPORT_DATA_SIZE];
	struct err e;

	assert(file_read(AT_FDCWD, QUOTE, 1 << 16, &q, NULL) == 0);
	memcpy(data, q.p + REPORT_DATA_AT, sizeof(data));
	assert(tdx_check_quote(q.p, q.n, data, NULL) == 0);
	data[63] ^= 1;
	assert(tdx_check_quote(q.p, q.n, data, &e) == ERR_PROTO && strstr(e.text, "not over"));
	assert(tdx_check_quote(q.p, 100, data, &e) == ERR_PROTO && strstr(e.text, "no quote"));
}

/* The whole way: reports in a directory that a child serves as the kernel does. */
static void serve_reports(const struct buf *quote)
{
	uint8_t *q = xmemdup(quote->p, quote->n), seen[TEE_REPORT_DATA_SIZE] = { 0 };
	unsigned int generation = 0;
	char text[16];
	size_t n;

	for (;;) {
		struct buf in = { 0 };

		(void)usleep(1000);
		if (file_read(dir_fd, "inblob", 64, &in, NULL) == 0 && in.n == sizeof(seen) &&
		    memcmp(in.p, seen, sizeof(seen)) != 0) {
			memcpy(seen, in.p, sizeof(seen));
			memcpy(q + REPORT_DATA_AT, seen, sizeof(seen));
			put("outblob", q, quote->n);
			n = (size_t)str_format(text, sizeof(text), "%u\n", ++generation);
			put("generation", text, n);
		}
		buf_deinit(&in);
	}
}

static void test_quotes_by_a_directory_of_the_environment(void)
{
	auto_buf struct buf q = { 0 }, got = BUF_MAX(TEE_QUOTE_MAX);
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 9, 8, 7 };
	struct err e = ERR_NONE;
	struct tdx t;
	struct tee tee;
	pid_t pid;

	assert(file_read(AT_FDCWD, QUOTE, 1 << 16, &q, NULL) == 0);
	put("inblob", "", 0);
	put("outblob", "", 0);
	put("provider", "tdx_guest", 9);
	put("generation", "0\n", 2);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0)
		serve_reports(&q);
	assert(setenv("DCAP_TDX_QUOTE_CONFIGFS_PATH", dir, 1) == 0);
	assert(tdx_init(&t, NULL) == 0);
	t.tsm.generation_ms = 60000; /* a child on a busy machine is no kernel */
	tee = tdx_tee(&t);
	if (tee_quote(&tee, data, &got, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(got.n == q.n && memcmp(got.p + REPORT_DATA_AT, data, sizeof(data)) == 0);
	data[0]++;
	got.n = 0;
	assert(tee_quote(&tee, data, &got, &e) == 0 && got.p[REPORT_DATA_AT] == 10);
	assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	assert(unsetenv("DCAP_TDX_QUOTE_CONFIGFS_PATH") == 0);
}

static void test_ports_of_tdx_attest_conf(void)
{
	uint32_t port = 0;
	struct err e;

	assert(tdx_qgs_port("# x\nport=4050\n", &port, NULL) == 0 && port == 4050);
	assert(tdx_qgs_port("  port \t= 7 # the host's\r\n", &port, NULL) == 0 && port == 7);
	assert(tdx_qgs_port("port=0\nport = x\nport=\nports\nport=9", &port, NULL) == 0 &&
	       port == 9);
	assert(tdx_qgs_port("", &port, &e) == ERR_MISSING);
	assert(tdx_qgs_port("#port=1\n", &port, NULL) == ERR_MISSING);
	assert(tdx_qgs_port("port=4294967296\n", &port, NULL) == ERR_MISSING);
}

static const uint8_t answer[] = { 0,  0, 0, 31, 1,   0,	  0,   0,   1,	 0,   0,  0,
				  31, 0, 0, 0,	0,   0,	  0,   0,   2,	 0,   0,  0,
				  5,  0, 0, 0,	'I', 'D', 'q', 'u', 'o', 't', 'e' };

/* What comes of a service that answers with @p of @n bytes and hangs up, or falls silent. */
static int exchange(const uint8_t *p, size_t n, bool hangs_up, struct buf *ret, struct err *e)
{
	uint8_t report[TD_REPORT_SIZE] = { 0x81 }, request[QGS_REQUEST_SIZE];
	int pair[2], r;

	assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	assert(fd_write_all(pair[1], p, n) == 0);
	if (hangs_up)
		assert(shutdown(pair[1], SHUT_WR) == 0);
	r = tdx_qgs_exchange(pair[0], report, hangs_up ? 60000 : 30, ret, e);
	assert(fd_read_full(pair[1], request, sizeof(request)) == sizeof(request));
	assert(memcmp(request + 28, report, sizeof(report)) == 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return r;
}

static void test_quoting_service(void)
{
	static const uint8_t huge[] = { 0x7f, 0xff, 0xff, 0xff };
	uint8_t bent[sizeof(answer)];
	auto_buf struct buf b = BUF_MAX(1024);
	struct err e;
	size_t n;

	assert(exchange(answer, sizeof(answer), true, &b, NULL) == 0);
	assert(b.n == 5 && memcmp(b.p, "quote", 5) == 0);
	for (n = 0; n < sizeof(answer); n++) {
		assert(exchange(answer, n, true, &b, &e) == -ECONNRESET);
		assert(strstr(e.text, "quoting service"));
	}
	assert(exchange(answer, 7, false, &b, NULL) == -ETIMEDOUT);
	assert(exchange(huge, sizeof(huge), true, &b, &e) == ERR_PROTO);
	assert(strstr(e.text, "16 KiB"));
	memcpy(bent, answer, sizeof(bent));
	bent[4 + 12] = 0x12;
	assert(exchange(bent, sizeof(bent), true, &b, &e) == ERR_MISSING && strstr(e.text, "0x12"));
	bent[4] = 2;
	assert(exchange(bent, sizeof(bent), true, &b, &e) == ERR_PROTO);
	assert(b.n == 5);
}

static void test_no_service_is_told(void)
{
	struct tdx t = a_td();
	struct tee tee = tdx_tee(&t);
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 0 };
	auto_buf struct buf b = BUF_MAX(TEE_QUOTE_MAX);
	struct err e;

	assert(tee_quote(&tee, data, &b, &e) == -ENOENT && strstr(e.text, "tdx_guest"));
}

/* Where configfs fails, a service that is configured is asked; and where none is, its failure is told. */
static void test_service_is_asked_where_configfs_fails(void)
{
	uint8_t data[TEE_REPORT_DATA_SIZE] = { 0 };
	auto_buf struct buf b = BUF_MAX(TEE_QUOTE_MAX);
	struct err e = ERR_NONE;
	struct tdx t;
	struct tee tee;

	put("provider", "sev_guest", 9);
	assert(setenv("DCAP_TDX_QUOTE_CONFIGFS_PATH", dir, 1) == 0);
	assert(tdx_init(&t, NULL) == 0);
	(void)str_copy(t.device, sizeof(t.device), "/nonexistent/tdx_guest");
	(void)str_copy(t.attest_conf, sizeof(t.attest_conf), "/nonexistent/tdx-attest.conf");
	tee = tdx_tee(&t);
	assert(tee_quote(&tee, data, &b, &e) == ERR_MISSING && strstr(e.text, "sev_guest"));
	(void)str_copy(t.attest_conf, sizeof(t.attest_conf), "/dev/null");
	assert(tee_quote(&tee, data, &b, &e) == -ENOENT && strstr(e.text, "nonexistent/tdx_guest"));
	assert(unsetenv("DCAP_TDX_QUOTE_CONFIGFS_PATH") == 0 && b.n == 0);
}

static void test_report_of_the_module(void)
{
	uint8_t bytes[TD_REPORT_SIZE];
	struct td_report r;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 48); /* 48 divides the offset of each digest after 528 */
	bytes[0] = 0x81;
	assert(td_report_parse(bytes, &r) == 0);
	assert(r.mrtd == bytes + 528 && r.mr_owner_config == bytes + 672);
	assert(r.rtmr[0] == bytes + 720 && r.rtmr[3] + 48 == bytes + 912);
	assert(r.report_data == bytes + 128 && r.attributes == bytes + 512);
	bytes[0] = 0;
	assert(td_report_parse(bytes, &r) == -1);
}

static void clean(void)
{
	static const char *const names[] = { "provider", "inblob", "generation", "outblob" };
	size_t i;

	for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		(void)unlinkat(dir_fd, registers[i], 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir_fd, names[i], 0);
	assert(file_sweep(dir_fd, NULL) == 0);
	(void)close(dir_fd);
	assert(rmdir(dir) == 0);
}

int main(void)
{
	assert(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir_fd >= 0);
	test_registers_are_read();
	test_extending_is_one_write_of_the_digest();
	test_odd_registers_are_refused();
	test_environment_decides_alone();
	test_a_quote_must_be_over_what_was_asked();
	test_quotes_by_a_directory_of_the_environment();
	test_ports_of_tdx_attest_conf();
	test_quoting_service();
	test_no_service_is_told();
	test_service_is_asked_where_configfs_fails();
	test_report_of_the_module();
	clean();
	return 0;
}
