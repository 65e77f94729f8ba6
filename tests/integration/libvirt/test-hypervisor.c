/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypervisor, with the libvirt and QEMU of this machine
 *
 * Each stage is a process of its own, as a daemon that is restarted is; the first argument names it.  The guests are
 * "kernels" of a few instructions: they write a letter to the serial port, then halt, power off or reset.
 */
#include "domain/hypervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"

enum { DEADLINE_MS = 120 * 1000, EVENTS_MAX = 32 };

#define OTHER_URI  "BAILEY_TEST_LIBVIRT_URI" /* "qemu:///system": the same stages there */
#define UUID_HALT  "11111111-1111-4111-8111-111111111111"
#define UUID_OFF   "22222222-2222-4222-8222-222222222222"
#define UUID_RESET "33333333-3333-4333-8333-333333333333"

static const char *dir; /* where all files of the test are */

struct host {
	uv_loop_t loop;
	struct hypervisor *h;
	struct hypervisor_event events[EVENTS_MAX];
	size_t n_events;
};

/* An answer waited for. */
struct answer {
	bool is_there;
	int rc;
	struct err err;
	struct hypervisor_domain domain; /* the first */
	size_t n;
};

static void on_answer(void *arg, const struct hypervisor_result *r)
{
	struct answer *a = arg;

	assert(!a->is_there);
	a->is_there = true;
	a->rc = r->rc;
	a->err = r->err;
	a->n = r->n_domains;
	if (r->n_domains)
		a->domain = r->domains[0];
}

static void on_event(void *arg, const struct hypervisor_event *ev)
{
	struct host *host = arg;

	assert(host->n_events < EVENTS_MAX);
	host->events[host->n_events++] = *ev;
}

static void on_tick(uv_timer_t *t)
{
	(void)t;
}

/* Turn the loop until *@flag; die at the deadline. */
static void turn_until(struct host *host, const bool *flag)
{
	uint64_t deadline = time_mono_ms() + DEADLINE_MS;
	uv_timer_t tick;

	assert(uv_timer_init(&host->loop, &tick) == 0);
	assert(uv_timer_start(&tick, on_tick, 50, 50) == 0);
	while (!*flag) {
		assert(time_mono_ms() < deadline);
		(void)uv_run(&host->loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	(void)uv_run(&host->loop, UV_RUN_NOWAIT);
}

static struct answer host_open(struct host *host)
{
	struct answer a = { .rc = 0 };
	auto_free char *root = xasprintf("%s/libvirt", dir);
	const struct hypervisor_options o = {
		.uri = getenv(OTHER_URI), .root = root, .on_event = on_event, .arg = host
	};
	struct err e = ERR_NONE;

	memset(host, 0, sizeof(*host));
	assert(uv_loop_init(&host->loop) == 0);
	assert(hypervisor_start(&host->h, &host->loop, &o, on_answer, &a, &e) == 0);
	turn_until(host, &a.is_there);
	if (a.rc)
		(void)printf("open: %s\n", a.err.text);
	return a;
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void host_close(struct host *host)
{
	bool is_stopped = false;

	hypervisor_stop(host->h, on_stopped, &is_stopped);
	turn_until(host, &is_stopped);
	assert(uv_loop_close(&host->loop) == 0);
}

typedef void (*named_op)(struct hypervisor *h, const char *name, hypervisor_done_fn done,
			 void *arg);

static struct answer ask(struct host *host, named_op op, const char *name)
{
	struct answer a = { .rc = 0 };

	op(host->h, name, on_answer, &a);
	turn_until(host, &a.is_there);
	if (a.rc)
		(void)printf("%s: %s\n", name, a.err.text);
	return a;
}

static struct answer ask_define(struct host *host, const char *name, const char *xml)
{
	struct answer a = { .rc = 0 };

	hypervisor_define(host->h, name, xml, on_answer, &a);
	turn_until(host, &a.is_there);
	if (a.rc)
		(void)printf("define %s: %s\n", name, a.err.text);
	return a;
}

static struct answer ask_list(struct host *host)
{
	struct answer a = { .rc = 0 };

	hypervisor_list(host->h, on_answer, &a);
	turn_until(host, &a.is_there);
	assert(a.rc == 0);
	return a;
}

/* The stop event of @name, waited for. */
static enum hypervisor_reason stopped_reason(struct host *host, const char *name)
{
	uint64_t deadline = time_mono_ms() + DEADLINE_MS;
	uv_timer_t tick;
	size_t i;

	assert(uv_timer_init(&host->loop, &tick) == 0);
	assert(uv_timer_start(&tick, on_tick, 50, 50) == 0);
	for (;;) {
		for (i = 0; i < host->n_events; i++) {
			if (!host->events[i].is_started && str_equal(host->events[i].name, name)) {
				uv_close((uv_handle_t *)&tick, NULL);
				(void)uv_run(&host->loop, UV_RUN_NOWAIT);
				return host->events[i].reason;
			}
		}
		assert(time_mono_ms() < deadline);
		(void)uv_run(&host->loop, UV_RUN_ONCE);
	}
}

/* A bzImage by its header alone; its real-mode code is at 0x280. */
static void write_kernel(const char *name, const void *code, size_t n)
{
	static const unsigned char begin[] = {
		0xba, 0xf8, 0x03, 0xb0, 'B', 0xee
	}; /* out 'B' to the serial port */
	auto_free char *path = xasprintf("%s/%s", dir, name);
	static unsigned char image[8192];

	memset(image, 0, sizeof(image));
	image[0x1f1] = 1; /* one sector of set-up code */
	image[0x1fe] = 0x55;
	image[0x1ff] = 0xaa;
	image[0x200] = 0xeb; /* jmp 0x280 */
	image[0x201] = 0x7e;
	memcpy(image + 0x202, "HdrS", 4);
	image[0x206] = 0x02; /* protocol 2.2, loaded high */
	image[0x207] = 0x02;
	image[0x211] = 1;
	memcpy(image + 0x280, begin, sizeof(begin));
	memcpy(image + 0x280 + sizeof(begin), code, n);
	assert(file_replace(AT_FDCWD, path, 0644, image, sizeof(image), NULL) == 0);
}

static void write_files(void)
{
	static const unsigned char halt[] = { 0xf4, 0xeb, 0xfd }; /* hlt; jmp -3 */
	static const unsigned char off[] = {
		0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4
	}; /* PM1a_CNT: S5 */
	static const unsigned char reset[] = {
		0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xf4
	}; /* 0xcf9: reset */
	auto_free char *initrd = xasprintf("%s/initrd", dir);

	write_kernel("halt", halt, sizeof(halt));
	write_kernel("off", off, sizeof(off));
	write_kernel("reset", reset, sizeof(reset));
	assert(file_replace(AT_FDCWD, initrd, 0644, "x", 1, NULL) == 0);
}

/* The XML of a guest whose kernel, and log, is @kernel.  The caller frees. */
static char *xml_of(struct host *host, const char *name, const char *uuid, const char *kernel,
		    const struct domain_port *ports, size_t n_ports)
{
	auto_free char *k = xasprintf("%s/%s", dir, kernel), *i = xasprintf("%s/initrd", dir),
		       *log = xasprintf("%s/%s.log", dir, name), *share = xstrdup(dir);
	const struct domain_nic nic = { .mac = "52:54:00:00:00:01",
					.ports = ports,
					.n_ports = n_ports };
	const struct domain_spec s = {
		.name = name,
		.uuid = uuid,
		.vcpus = 1,
		.memory_mib = 64,
		.kernel = k,
		.initrd = i,
		.cmdline = "a=\"b&c\" <d>",
		.nics = &nic,
		.n_nics = 1,
		.share = DOMAIN_SHARE_9P,
		.share_path = share,
		.serial_log = log,
	};
	auto_buf struct buf xml = BUF_MAX(DOMAIN_XML_MAX);
	struct err e = ERR_NONE;

	if (domain_xml(&s, hypervisor_caps(host->h), &xml, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return buf_take_str(&xml);
}

static void define(struct host *host, const char *name, const char *uuid, const char *kernel)
{
	auto_free char *xml = xml_of(host, name, uuid, kernel, NULL, 0);

	assert(ask_define(host, name, xml).rc == 0);
}

/* Did the guest write its letter? */
static void wait_for_serial(const char *name)
{
	auto_free char *log = xasprintf("%s/%s.log", dir, name);
	uint64_t deadline = time_mono_ms() + DEADLINE_MS;
	const struct timespec pause = { .tv_nsec = 50 * 1000000L };

	for (;;) {
		auto_buf struct buf b = BUF_MAX(65536);

		if (file_read(AT_FDCWD, log, 65536, &b, NULL) == 0 && b.n &&
		    strchr((char *)b.p, 'B'))
			return;
		assert(time_mono_ms() < deadline);
		(void)nanosleep(&pause, NULL);
	}
}

static void write_pid(pid_t pid)
{
	auto_free char *path = xasprintf("%s/pid", dir), *text = xasprintf("%d", (int)pid);

	assert(file_replace(AT_FDCWD, path, 0644, text, strlen(text), NULL) == 0);
}

static pid_t read_pid(void)
{
	auto_free char *path = xasprintf("%s/pid", dir);
	auto_buf struct buf b = BUF_MAX(32);
	uint32_t pid;

	assert(file_read(AT_FDCWD, path, 32, &b, NULL) == 0);
	assert(num_parse_u32((char *)b.p, 1, INT32_MAX, &pid) == 0);
	return (pid_t)pid;
}

/* Run @stage in a new process.  Return: its exit code, 128 + signal. */
static int stage(const char *name)
{
	int status = 0;
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0) {
		(void)execl("/proc/self/exe", "test-hypervisor", name, dir, (char *)NULL);
		_exit(127);
	}
	assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A daemon that starts a guest and dies without a word. */
static void stage_start_and_die(void)
{
	static struct host host;
	struct answer a;

	assert(host_open(&host).rc == 0);
	(void)printf("accelerator %s; QEMU %s, libvirt %s, machine %s; TDX: %s\n",
		     hypervisor_caps(host.h)->accel_why, hypervisor_caps(host.h)->qemu_version,
		     hypervisor_caps(host.h)->libvirt_version, hypervisor_caps(host.h)->machine,
		     hypervisor_caps(host.h)->tdx_why);
	assert(ask(&host, hypervisor_query, "halt").domain.state == HYPERVISOR_ABSENT);
	assert(ask(&host, hypervisor_run, "halt").rc == ERR_NOT_FOUND);
	define(&host, "halt", UUID_HALT, "halt");
	assert(ask(&host, hypervisor_query, "halt").domain.state == HYPERVISOR_STOPPED);
	a = ask(&host, hypervisor_run, "halt");
	assert(a.rc == 0 && a.domain.state == HYPERVISOR_RUNNING && a.domain.pid > 1);
	assert(kill(a.domain.pid, 0) == 0);
	assert(str_equal(a.domain.uuid, UUID_HALT));
	assert(ask(&host, hypervisor_run, "halt").rc == ERR_BAD_STATE);
	assert(ask(&host, hypervisor_forget, "halt").rc == ERR_BAD_STATE);
	wait_for_serial("halt");
	write_pid(a.domain.pid);
	assert(getenv(OTHER_URI) || stage("second") == 0); /* a system-wide libvirt is shared */
	(void)fflush(stdout);
	_exit(0);
}

/* Another daemon on the same root, while the first is there. */
static void stage_second(void)
{
	static struct host host;
	struct answer a = host_open(&host);

	assert(a.rc == ERR_CONFLICT);
	assert(strstr(a.err.text, "another daemon (process"));
	assert(ask(&host, hypervisor_query, "halt").rc == ERR_BAD_STATE);
	host_close(&host);
}

/* The next daemon finds it, and goes in good order. */
static void stage_find(void)
{
	static struct host host;
	struct answer a;

	assert(host_open(&host).rc == 0);
	a = ask(&host, hypervisor_query, "halt");
	assert(a.rc == 0 && a.domain.state == HYPERVISOR_RUNNING);
	assert(a.domain.pid == read_pid());
	host_close(&host);
	assert(kill(read_pid(), 0) == 0);
}

/* And the next ends it. */
static void stage_kill(void)
{
	static struct host host;
	struct answer a;

	assert(host_open(&host).rc == 0);
	assert(ask_list(&host).n == 1);
	a = ask(&host, hypervisor_kill, "halt");
	assert(a.rc == 0 && a.domain.state == HYPERVISOR_STOPPED &&
	       a.domain.reason == HYPERVISOR_REASON_DESTROYED);
	assert(kill(read_pid(), 0) != 0 && errno == ESRCH);
	assert(stopped_reason(&host, "halt") == HYPERVISOR_REASON_DESTROYED);
	assert(ask(&host, hypervisor_kill, "halt").rc == 0);
	assert(ask(&host, hypervisor_forget, "halt").rc == 0);
	assert(ask(&host, hypervisor_forget, "halt").rc == 0);
	assert(ask(&host, hypervisor_kill, "halt").domain.state == HYPERVISOR_ABSENT);
	assert(ask_list(&host).n == 0);
	host_close(&host);
}

/* Guests that end by themselves say how. */
static void stage_ends(void)
{
	static struct host host;
	struct answer a;

	assert(host_open(&host).rc == 0);
	define(&host, "off", UUID_OFF, "off");
	assert(ask(&host, hypervisor_run, "off").rc == 0);
	assert(stopped_reason(&host, "off") == HYPERVISOR_REASON_POWER_OFF);
	a = ask(&host, hypervisor_query, "off");
	assert(a.domain.state == HYPERVISOR_STOPPED &&
	       a.domain.reason == HYPERVISOR_REASON_SHUTDOWN);

	define(&host, "reset", UUID_RESET, "reset");
	assert(ask(&host, hypervisor_run, "reset").rc == 0);
	assert(stopped_reason(&host, "reset") == HYPERVISOR_REASON_RESET);

	define(&host, "halt", UUID_HALT, "halt");
	a = ask(&host, hypervisor_run, "halt");
	assert(a.rc == 0);
	assert(kill(a.domain.pid, SIGKILL) == 0);
	assert(stopped_reason(&host, "halt") == HYPERVISOR_REASON_CRASHED);
	assert(ask(&host, hypervisor_query, "halt").domain.reason == HYPERVISOR_REASON_CRASHED);

	host.n_events = 0;
	a = ask(&host, hypervisor_run, "halt");
	assert(a.rc == 0 && kill(a.domain.pid, SIGTERM) == 0);
	assert(stopped_reason(&host, "halt") == HYPERVISOR_REASON_HOST);

	assert(ask(&host, hypervisor_forget, "off").rc == 0);
	assert(ask(&host, hypervisor_forget, "reset").rc == 0);
	assert(ask(&host, hypervisor_forget, "halt").rc == 0);
	host_close(&host);
}

/* A button pressed on a QEMU that hangs: it ends all the same, and so does the pressing. */
static void stage_press(void)
{
	struct answer pressed = { .rc = 0 }, a;
	static struct host host;

	assert(host_open(&host).rc == 0);
	assert(ask(&host, hypervisor_press, "halt").domain.state == HYPERVISOR_ABSENT);
	define(&host, "halt", UUID_HALT, "halt");
	assert(ask(&host, hypervisor_press, "halt").domain.state == HYPERVISOR_STOPPED);
	a = ask(&host, hypervisor_run, "halt");
	assert(a.rc == 0);
	assert(ask(&host, hypervisor_press, "halt").domain.state == HYPERVISOR_RUNNING);
	assert(kill(a.domain.pid, SIGSTOP) == 0);
	hypervisor_press(host.h, "halt", on_answer, &pressed);
	a = ask(&host, hypervisor_kill, "halt");
	assert(a.rc == 0 && a.domain.state == HYPERVISOR_STOPPED);
	turn_until(&host, &pressed.is_there);
	assert(ask(&host, hypervisor_forget, "halt").rc == 0);
	host_close(&host);
}

/* What is wrong is named and leaves nothing behind. */
static void stage_refusals(void)
{
	static const char *const bad_name =
		"0123456789012345678901234567890123456789012345678901234567890123456789";
	const struct domain_port twice[] = {
		{ .address = "127.0.0.1", .host = 40123, .guest = 1 },
		{ .address = "127.0.0.1", .host = 40123, .guest = 2 }
	};
	auto_free char *good = NULL, *bad = NULL, *busy = NULL;
	static struct host host;
	struct answer a;
	char log[4096];

	assert(host_open(&host).rc == 0);
	good = xml_of(&host, "halt", UUID_HALT, "halt", NULL, 0);
	bad = xasprintf("%.*s<flux/></domain>", (int)(strstr(good, "</domain>") - good), good);
	a = ask_define(&host, "halt", bad);
	assert(a.rc == ERR_HYPERVISOR && strstr(a.err.text, "flux"));
	assert(ask_list(&host).n == 0);

	busy = xml_of(&host, "halt", UUID_HALT, "halt", twice, 2);
	assert(ask_define(&host, "halt", busy).rc == 0);
	a = ask(&host, hypervisor_run, "halt");
	assert(a.rc == ERR_HYPERVISOR && strstr(a.err.text, "host forwarding"));
	a = ask(&host, hypervisor_query, "halt");
	assert(a.domain.state == HYPERVISOR_STOPPED && a.domain.reason == HYPERVISOR_REASON_FAILED);
	assert(hypervisor_log_path(host.h, "halt", log, sizeof(log)) == 0);
	assert(access(log, R_OK) == 0);
	assert(hypervisor_log_path(host.h, "halt", log, 4) < 0);
	assert(ask(&host, hypervisor_query, bad_name).rc == ERR_INPUT);

	assert(ask(&host, hypervisor_forget, "halt").rc == 0);
	host_close(&host);
}

/* Operations asked for without waiting: those of one domain keep their order, and all are answered before the end. */
static void stage_order(void)
{
	static struct answer a[6];
	auto_free char *xml = NULL;
	bool is_stopped = false;
	static struct host host;
	size_t i;

	assert(host_open(&host).rc == 0);
	xml = xml_of(&host, "halt", UUID_HALT, "halt", NULL, 0);
	hypervisor_define(host.h, "halt", xml, on_answer, &a[0]);
	hypervisor_run(host.h, "halt", on_answer, &a[1]);
	hypervisor_kill(host.h, "halt", on_answer, &a[2]);
	hypervisor_query(host.h, "other", on_answer, &a[3]);
	hypervisor_forget(host.h, "halt", on_answer, &a[4]);
	hypervisor_query(host.h, "halt", on_answer, &a[5]);
	turn_until(&host, &a[5].is_there);
	for (i = 0; i < 6; i++)
		assert(a[i].is_there && a[i].rc == 0);
	assert(a[1].domain.state == HYPERVISOR_RUNNING && a[2].domain.state == HYPERVISOR_STOPPED);
	assert(a[5].domain.state == HYPERVISOR_ABSENT);

	memset(a, 0, sizeof(a));
	hypervisor_query(host.h, "halt", on_answer, &a[0]);
	hypervisor_query(host.h, "halt", on_answer, &a[1]);
	hypervisor_stop(host.h, on_stopped, &is_stopped);
	turn_until(&host, &is_stopped);
	assert(a[0].is_there && a[0].rc == 0);
	assert(a[1].is_there && a[1].rc == ERR_BAD_STATE);
	assert(uv_loop_close(&host.loop) == 0);
}

/* Define tests/vectors/domain/@name, with @from replaced by @to, which may be NULL. */
static struct answer define_vector(struct host *host, const char *name, const char *from,
				   const char *to)
{
	auto_free char *path = xasprintf("%s/tests/vectors/domain/%s.xml", SOURCE_DIR, name),
		       *xml = NULL;
	auto_buf struct buf b = BUF_MAX(DOMAIN_XML_MAX);
	const char *at;

	assert(file_read(AT_FDCWD, path, DOMAIN_XML_MAX, &b, NULL) == 0);
	at = from ? strstr((const char *)b.p, from) : NULL;
	assert(!from || at);
	xml = from ? xasprintf("%.*s%s%s", (int)(at - (const char *)b.p), (const char *)b.p, to,
			       at + strlen(from))
		   : xstrdup((const char *)b.p);
	return ask_define(host, "bailey-3f2504e0", xml);
}

/*
 * Each vector passes libvirt's schema and comes back whole and with no other device; where this libvirt or QEMU lack
 * something, they say so and nothing is dropped in silence.
 */
static void stage_vectors(void)
{
	static const char *const plain[] = { "none",	 "none-9p",	"none-kernel-vsock",
					     "none-kvm", "none-system", "simulated",
					     "many",	 "least",	"escaped" };
	const char *no_kvm = access("/dev/kvm", R_OK | W_OK) == 0 ? NULL : "type='kvm'";
	static struct host host;
	struct answer a;
	size_t i;

	assert(host_open(&host).rc == 0);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (no_kvm && (i == 2 || i == 3))
			continue; /* without /dev/kvm libvirt refuses the type itself */
		assert(define_vector(&host, plain[i], NULL, NULL).rc == 0);
	}
	a = define_vector(&host, "tdx-commandline", NULL, NULL);
	assert(a.rc == 0 || strstr(a.err.text, "pc-q35-10.1"));
	if (!no_kvm) {
		assert(define_vector(&host, "tdx-commandline", "pc-q35-10.1",
				     hypervisor_caps(host.h)->machine)
			       .rc == 0);
		assert(define_vector(&host, "tdx-commandline-unix", "pc-q35-10.1",
				     hypervisor_caps(host.h)->machine)
			       .rc == 0);
	}
	a = define_vector(&host, "tdx-libvirt", "pc-q35-10.1", hypervisor_caps(host.h)->machine);
	assert(a.rc == 0 || strstr(a.err.text, "launchSecurity") || strstr(a.err.text, "tdx"));
	assert(ask(&host, hypervisor_forget, "bailey-3f2504e0").rc == 0);
	host_close(&host);
}

/* Two connections one after the other in one process. */
static void stage_reopen(void)
{
	static struct host host;
	int i;

	for (i = 0; i < 3; i++) {
		assert(host_open(&host).rc == 0);
		host_close(&host);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} stages[] = {
	{ "start-and-die", stage_start_and_die },
	{ "find", stage_find },
	{ "kill", stage_kill },
	{ "ends", stage_ends },
	{ "press", stage_press },
	{ "refusals", stage_refusals },
	{ "order", stage_order },
	{ "vectors", stage_vectors },
	{ "reopen", stage_reopen },
	{ "second", stage_second }, /* run by the first */
};

/* After a failure: no guest of ours stays. */
static void kill_guests(void)
{
	static const char *const names[] = { "halt", "off", "reset" };
	uint32_t pid;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/libvirt/run/qemu/%s.pid", dir, names[i]);
		auto_buf struct buf b = BUF_MAX(32);

		if (file_read(AT_FDCWD, path, 32, &b, NULL) != 0 || b.n == 0)
			continue;
		b.p[strcspn((char *)b.p, "\n")] = 0;
		if (num_parse_u32((char *)b.p, 2, INT32_MAX, &pid) == 0)
			(void)kill((pid_t)pid, SIGKILL);
	}
}

static int run_all(void)
{
	char path[] = "/tmp/test-hypervisor-XXXXXX";
	uint64_t before;
	size_t i;
	int rc;

	dir = mkdtemp(path);
	assert(dir);
	write_files();
	for (i = 0; i + 1 < sizeof(stages) / sizeof(stages[0]); i++) {
		if (geteuid() != 0 && stages[i].run == stage_vectors)
			continue; /* they need /dev/kvm, and the source folder */
		before = time_mono_ms();
		rc = stage(stages[i].name);
		(void)printf("%s: %s in %llu ms\n", stages[i].name, rc ? "FAILED" : "ok",
			     (unsigned long long)(time_mono_ms() - before));
		if (rc) {
			kill_guests();
			return 1; /* the folder stays, to be looked at */
		}
	}
	return execlp("rm", "rm", "-rf", dir, (char *)NULL);
}

/* As a daemon with an account of its own would run. */
static void become_nobody(void)
{
	enum { NOBODY = 65534 };

	if (geteuid() != 0)
		return;
	assert(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0);
	assert(prctl(PR_SET_DUMPABLE, 1) == 0); /* or /proc/self/exe could not be run again */
	assert(setenv("HOME", "/nonexistent", 1) == 0);
}

int main(int argc, char **argv)
{
	size_t i;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && str_equal(argv[1], "--as-nobody"))
		become_nobody();
	if (argc < 3)
		return run_all();
	dir = argv[2];
	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (str_equal(argv[1], stages[i].name)) {
			stages[i].run();
			return 0;
		}
	}
	return 2;
}
