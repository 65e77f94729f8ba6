/* SPDX-License-Identifier: Apache-2.0 */
/* Test vm: which VM is meant, what state is shown, where an app is reached, which events are new. */
#undef NDEBUG
#include "cli/vm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/json.h"

static json_t *parse(const char *text)
{
	json_t *j = NULL;
	struct err e = ERR_NONE;

	if (json_parse(text, strlen(text), 65536, "test", &j, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(j);
	return j;
}

static const char three[] = "[{\"id\":\"3f2504e0-4f89\",\"name\":\"web\"},"
			    "{\"id\":\"3f9a0c03-05e8\",\"name\":\"db\"},"
			    "{\"id\":\"0a000000-0000\",\"name\":\"web\"},"
			    "{\"id\":\"db111111-0000\",\"name\":\"3f2504e0-4f89\"}]";

static void finds(const char *what, const char *want_id)
{
	json_t *vms = parse(three);
	const json_t *vm = NULL;

	assert(vm_find(vms, what, &vm, NULL) == 0);
	assert(str_equal(vm_id(vm), want_id));
	json_decref(vms);
}

static void finds_none(const char *what, int code, const char *text)
{
	json_t *vms = parse(three);
	struct err e = ERR_NONE;
	const json_t *vm = NULL;

	assert(vm_find(vms, what, &vm, &e) == code);
	if (!str_equal(e.text, text))
		(void)fprintf(stderr, "%s\n", e.text);
	assert(str_equal(e.text, text));
	json_decref(vms);
}

static void test_find_by_id_name_and_prefix(void)
{
	finds("db", "3f9a0c03-05e8");		 /* a name goes before a prefix of an id */
	finds("3f2504e0-4f89", "3f2504e0-4f89"); /* an id goes before a name */
	finds("3f9", "3f9a0c03-05e8");
	finds("0", "0a000000-0000");
}

static void test_find_says_what_is_wrong(void)
{
	finds_none("nope", ERR_NOT_FOUND, "no VM nope; bailey ps lists them");
	finds_none("", ERR_NOT_FOUND, "no VM ; bailey ps lists them");
	finds_none("web", ERR_INPUT,
		   "web could be 2 VMs; give more of the id: 3f2504e0-4f89 (web), "
		   "0a000000-0000 (web)");
	finds_none("3f", ERR_INPUT,
		   "3f could be 2 VMs; give more of the id: 3f2504e0-4f89 (web), "
		   "3f9a0c03-05e8 (db)");
}

static void state_is(const char *text, const char *want)
{
	json_t *vm = parse(text);
	enum colour c;

	assert(str_equal(vm_state(vm, &c), want));
	json_decref(vm);
}

static void test_states(void)
{
	state_is("{\"status\":\"running\",\"boot_progress\":\"done\"}", "up");
	state_is("{\"status\":\"running\",\"boot_progress\":\"booting\"}", "booting");
	state_is("{\"status\":\"running\",\"boot_progress\":\"done\",\"boot_error\":\"x\"}",
		 "failed");
	state_is("{\"status\":\"running\",\"boot_progress\":\"done\",\"boot_error\":"
		 "\"dstack-gateway registration failed, the app has no ingress route: x\"}",
		 "up");
	state_is("{\"status\":\"running\",\"boot_progress\":\"booting\",\"boot_error\":"
		 "\"dstack-gateway registration failed\"}",
		 "booting");
	state_is("{\"status\":\"running\",\"boot_progress\":\"running\"}", "running");
	state_is("{\"status\":\"stopped\",\"boot_progress\":\"done\"}", "stopped");
	state_is("{\"status\":\"removing\"}", "removing");
	state_is("{\"status\":\"exited\"}", "exited");
	state_is("{\"status\":\"exited\",\"restart_at_ms\":1,\"restart_gave_up\":false}",
		 "restarting");
	state_is("{\"status\":\"exited\",\"restart_gave_up\":true}", "gave up");
	state_is("{\"status\":7}", "");
}

static void test_without_a_route_is_no_failed_boot(void)
{
	assert(str_equal(vm_no_route("dstack-gateway registration failed, the app has no ingress "
				     "route: it is away"),
			 "it is away"));
	assert(str_equal(vm_no_route("dstack-gateway registration failed: x"),
			 "dstack-gateway registration failed: x"));
	assert(!vm_no_route("") && !vm_no_route("main script: dstack-gateway registration failed"));
}

static void end_is(const char *text, const char *want)
{
	char got[VM_TEXT_MAX];
	json_t *vm = parse(text);

	if (!str_equal(vm_end(vm, got, sizeof(got)), want))
		(void)fprintf(stderr, "%s\n", got);
	assert(str_equal(got, want));
	json_decref(vm);
}

static void test_ends_are_told(void)
{
	end_is("{\"status\":\"running\",\"exit_reason\":\"panic\"}", "");
	end_is("{\"status\":\"stopped\",\"exit_reason\":\"power-off\"}", "guest powered off");
	end_is("{\"status\":\"exited\",\"exit_reason\":\"panic\",\"restart_at_ms\":1}",
	       "kernel panic, starts again");
	end_is("{\"status\":\"exited\",\"exit_reason\":\"crash\",\"restart_gave_up\":true,"
	       "\"restart_attempts\":5}",
	       "QEMU crashed, after 5 starts");
	end_is("{\"status\":\"exited\",\"exit_reason\":\"eaten\"}", "eaten");
	end_is("{\"status\":\"exited\"}", "");
}

static void addresses_are(const char *text, const char *want)
{
	auto_buf struct buf got = BUF_MAX(65536);
	json_t *vm = parse(text);

	assert(vm_addresses(vm, ", ", &got) == 0);
	if (!str_equal(got.p ? (char *)got.p : "", want))
		(void)fprintf(stderr, "%s\n", (char *)got.p);
	assert(str_equal(got.p ? (char *)got.p : "", want));
	json_decref(vm);
}

#define PORTS(list) "{\"configuration\":{\"ports\":[" list "]}}"
#define PORT(protocol, address, from, to)                                                          \
	"{\"protocol\":\"" protocol "\",\"host_address\":\"" address "\",\"host_port\":" from      \
	",\"vm_port\":" to "}"

static void test_addresses_can_be_pasted(void)
{
	addresses_are("{}", "");
	addresses_are(PORTS(PORT("tcp", "127.0.0.1", "18080", "8080")), "http://127.0.0.1:18080");
	addresses_are(PORTS(PORT("tcp", "0.0.0.0", "80", "8080")), "http://127.0.0.1:80");
	addresses_are(PORTS(PORT("tcp", "::1", "80", "443") "," PORT("udp", "", "53", "53")),
		      "https://[::1]:80, udp 127.0.0.1:53");
	addresses_are(PORTS(PORT("tcp", "", "8443", "8000") "," PORT("tcp", "::", "1", "8090")),
		      "127.0.0.1:8443, http://[::1]:1");
	addresses_are("{\"app_url\":\"https://a.example\"}", "https://a.example");
	addresses_are("{\"app_url\":\"https://\\u001b[31m\"}", "https://\\x1b[31m");
	addresses_are("{\"app_url\":\"https://i-8090.g\",\"addresses\":[\"https://a.g\",\"https://"
		      "a.h\",7],"
		      "\"configuration\":{\"ports\":[" PORT("tcp", "", "80", "80") "]}}",
		      "https://a.g, https://a.h, http://127.0.0.1:80");
	addresses_are("{\"app_url\":\"https://a.example\",\"addresses\":[]}", "https://a.example");
}

static void test_tee_is_named(void)
{
	json_t *real = parse("{\"configuration\":{\"no_tee\":false,\"simulated_tee\":null}}");
	json_t *sim =
		parse("{\"configuration\":{\"no_tee\":true,\"simulated_tee\":\"dstack-tdx\"}}");
	json_t *none = parse("{\"configuration\":{\"no_tee\":true}}");

	assert(str_equal(vm_tee(real), "TDX") && str_equal(vm_tee_warning(real), ""));
	assert(str_equal(vm_tee(sim), "simulated"));
	assert(str_equal(vm_tee_warning(sim), " (simulated TEE: not confidential)"));
	assert(str_equal(vm_tee(none), "none"));
	assert(str_equal(vm_tee_warning(none), " (no TEE: not confidential)"));
	json_decref(real);
	json_decref(sim);
	json_decref(none);
}

static int note(const char *event, const char *body, json_int_t timestamp, void *arg)
{
	(void)timestamp;
	(void)event;
	return buf_addf(arg, "%s ", body);
}

#define EVENT(body, at) "{\"event\":\"boot.progress\",\"body\":\"" body "\",\"timestamp\":" at "}"

static void test_each_event_is_given_once(void)
{
	static const char *const looks[] = {
		"{\"events\":[]}",
		"{\"events\":[" EVENT("a", "10") "]}",
		"{\"events\":[" EVENT("a", "10") "," EVENT("b", "10") "," EVENT("c", "11") "]}",
		/* the ring has moved on */
		"{\"events\":[" EVENT("b", "10") "," EVENT("c", "11") "," EVENT("d", "11") "]}",
	};
	auto_buf struct buf got = BUF_MAX(4096);
	struct vm_event_cursor at = { 0 };
	size_t i;

	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		json_t *vm = parse(looks[i]);

		assert(vm_events_after(vm, &at, note, &got) == 0);
		json_decref(vm);
	}
	if (!str_equal((char *)got.p, "a b c d "))
		(void)fprintf(stderr, "%s\n", (char *)got.p);
	assert(str_equal((char *)got.p, "a b c d "));
}

int main(void)
{
	test_find_by_id_name_and_prefix();
	test_find_says_what_is_wrong();
	test_states();
	test_ends_are_told();
	test_without_a_route_is_no_failed_boot();
	test_addresses_can_be_pasted();
	test_tee_is_named();
	test_each_event_is_given_once();
	return 0;
}
