/* SPDX-License-Identifier: Apache-2.0 */
/* test-pages: everything shown is escaped; what is not public is not shown; no TEE is said plainly */
#include "guest-stub/pages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "guest-stub/about.h"
#include "guest-stub/machine.h"

enum { PAGE_MAX = 1024 * 1024 };

static char none[] = "{\"name\":\"none\",\"id\":\"\"}";
static char tcb[] = "{\"secret\":\"<tcb>\"}";

static struct about an_app(void)
{
	static struct event event = { 1, "an<event>", "x", 1 };
	struct about a = { .app_name = "<script>alert('x')</script>",
			   .tee = "none",
			   .vm_config = "",
			   .tcb_info = tcb,
			   .key_provider = none,
			   .events = { &event, 1 } };

	a.app_id.b[0] = 0xab;
	a.app_id.n = 1;
	return a;
}

static struct machine_system a_system(void)
{
	struct machine_system m = { .n_cpus = 2, .uptime = 62, .loads = { 5, 120, 1234 } };

	(void)str_copy(m.os_name, sizeof(m.os_name), "a \"quoted\" \\ <os>");
	m.memory.total = 1024;
	m.memory.available = 1000;
	(void)str_copy(m.disk.name, sizeof(m.disk.name), "rootfs");
	(void)str_copy(m.disk.mount_point, sizeof(m.disk.mount_point), "/");
	m.disk.total = 200;
	m.disk.free = 150;
	return m;
}

static const char *page(const struct about *a, const struct machine_system *m, struct buf *b)
{
	*b = BUF_MAX(PAGE_MAX);
	assert(pages_dashboard(a, m, b) == 0);
	return (const char *)b->p;
}

static void test_nothing_comes_through_as_markup(void)
{
	struct about a = an_app();
	struct machine_system m = a_system();
	auto_buf struct buf b;
	const char *html;

	a.public_tcbinfo = true;
	html = page(&a, &m, &b);
	assert(!strstr(html, "<script") && !strstr(html, "<os>") && !strstr(html, "<tcb>"));
	assert(!strstr(html, "<event>"));
	assert(strstr(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
	assert(strstr(html, "a &quot;quoted&quot; \\ &lt;os&gt;"));
	assert(strstr(html, "<td>ab</td>"));
	assert(strstr(html, "1m 2s"));
}

static void test_no_tee_is_said(void)
{
	struct about a = an_app();
	auto_buf struct buf b;

	assert(strstr(page(&a, NULL, &b), "class=\"warn\">no TEE: not confidential"));
}

static void test_tdx_has_no_warning(void)
{
	struct about a = an_app();
	auto_buf struct buf b;

	a.tee = "tdx";
	assert(!strstr(page(&a, NULL, &b), "class=\"warn\""));
}

static void test_what_is_not_public_is_not_shown(void)
{
	struct about a = an_app();
	auto_buf struct buf b;
	const char *html = page(&a, NULL, &b);

	assert(strstr(html, "TCB info is not public"));
	assert(!strstr(html, "secret") && !strstr(html, "an&lt;event") && !strstr(html, "Kernel"));
}

static void test_metrics_are_prometheus_text(void)
{
	struct machine_system m = a_system();
	auto_buf struct buf b = BUF_MAX(PAGE_MAX);

	assert(pages_metrics(&m, &b) == 0);
	assert(str_starts((char *)b.p,
			  "system_os_name{os_name=\"a \\\"quoted\\\" \\\\ <os>\"} 1\n"));
	assert(strstr((char *)b.p, "\nsystem_num_cpus 2\n"));
	assert(strstr((char *)b.p, "\nsystem_memory_used 24\n"));
	assert(strstr((char *)b.p, "\nsystem_load_average_15m 1234\n"));
	assert(strstr((char *)b.p,
		      "\ndisk_usage_percentage{name=\"rootfs\",mount_point=\"/\"} 25\n"));
}

static void test_page_over_the_limit_is_an_error(void)
{
	struct about a = an_app();
	auto_buf struct buf b = BUF_MAX(100);

	assert(pages_dashboard(&a, NULL, &b) < 0);
}

int main(void)
{
	test_nothing_comes_through_as_markup();
	test_no_tee_is_said();
	test_tdx_has_no_warning();
	test_what_is_not_public_is_not_shown();
	test_metrics_are_prometheus_text();
	test_page_over_the_limit_is_an_error();
	return 0;
}
