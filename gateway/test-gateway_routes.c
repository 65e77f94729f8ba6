/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/routes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gateway/routes_file.h"

static struct routes *read_text(const char *text, const struct routes *old)
{
	struct routes_builder *b = routes_builder_new(old);
	struct routes *r = NULL;
	struct err e = ERR_NONE;

	assert(routes_text_add(text, strlen(text), "routes", b, &e) == 0);
	assert(routes_builder_finish(b, &r, &e) == 0);
	return r;
}

static bool find(const struct routes *r, const char *id, struct route_app *ret)
{
	return routes_find(r, id, strlen(id), ret);
}

/* NOLINTNEXTLINE(readability-function-cognitive-complexity): a list of claims */
static void test_apps_and_instances_are_found(void)
{
	struct routes *r = read_text("b b1 10.0.0.1 *\na a1 10.0.0.2 80,443p # that one\n\n"
				     "b b2 fd00::1 *,8443p not-ready\n",
				     NULL);
	struct route_app app;
	bool wants;

	assert(routes_n_apps(r) == 2 && routes_n_instances(r) == 3);
	assert(find(r, "b", &app) && app.n == 2 && strcmp(app.load->id, "b") == 0);
	assert(find(r, "b2", &app) && app.n == 1 && strcmp(app.load->id, "b") == 0);
	assert(app.targets[0].is_v6 && !app.targets[0].is_ready &&
	       app.targets[0].address[0] == 0xfd);
	assert(route_policy_allows(app.targets[0].policy, 1, &wants) && !wants);
	assert(route_policy_allows(app.targets[0].policy, 8443, &wants) && wants);
	assert(find(r, "a", &app) && app.n == 1 && app.targets[0].is_ready);
	assert(route_policy_allows(app.targets[0].policy, 80, &wants) && !wants);
	assert(route_policy_allows(app.targets[0].policy, 443, &wants) && wants);
	assert(!route_policy_allows(app.targets[0].policy, 8080, &wants));
	assert(!find(r, "", &app) && !find(r, "c", &app) && !find(r, "b3", &app));
	assert(!routes_find(r, "ab", 0, &app));
	routes_free(r);
}

static void test_nothing_known_lets_nothing_in(void)
{
	struct route_policy unknown = { .is_known = false };
	bool wants;

	assert(!route_policy_allows(&unknown, 80, &wants) && !wants);
	unknown.n = 1;
	unknown.ports[0].port = 80;
	assert(!route_policy_allows(&unknown, 80, &wants));
}

static void test_an_id_of_both_is_the_instances(void)
{
	struct routes *r = read_text("x x 10.0.0.1 *\nx y 10.0.0.2 *\n", NULL);
	struct route_app app;

	assert(find(r, "x", &app) && app.n == 1 && app.targets[0].address[3] == 1);
	routes_free(r);
}

static void test_counts_outlive_a_snapshot(void)
{
	struct routes *old = read_text("a a1 10.0.0.1 *\nb b1 10.0.0.2 *\n", NULL), *new;
	struct load *app, *gone;
	struct route_app found;

	assert(find(old, "a", &found));
	app = load_ref(found.load);
	assert(load_enter(app, 0) && load_enter(found.targets[0].load, 0));
	assert(find(old, "b", &found));
	gone = load_ref(found.load);
	assert(load_enter(gone, 0));
	new = read_text("a a1 10.9.9.9 443\n", old);
	routes_free(old);
	assert(find(new, "a", &found) && found.load == app && found.load->conns == 1);
	assert(found.targets[0].load->conns == 1 && found.targets[0].address[1] == 9);
	load_leave(found.targets[0].load);
	load_leave(app);
	load_unref(app);
	load_leave(gone); /* a connection of an app that is gone */
	load_unref(gone);
	routes_free(new);
}

static void test_two_instances_of_one_id_are_refused(void)
{
	static const char *const texts[] = { "a i 10.0.0.1 *\na i 10.0.0.2 *\n",
					     "a i 10.0.0.1 *\nb i 10.0.0.2 *\n" };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct routes_builder *b = routes_builder_new(NULL);
		struct routes *r = NULL;
		struct err e = ERR_NONE;

		assert(routes_text_add(texts[i], strlen(texts[i]), "routes", b, &e) == 0);
		assert(routes_builder_finish(b, &r, &e) == ERR_CONFLICT && !r &&
		       strstr(e.text, "id i"));
	}
}

static void test_lines_that_are_refused(void)
{
	static const char *const lines[] = {
		"a",
		"a b",
		"a b 10.0.0.1",
		"a b 10.0.0.1 * ready",
		"a b 10.0.0.1 * not-ready x",
		"A b 10.0.0.1 *",
		"a-b c 10.0.0.1 *",
		"a b 10.0.0 *",
		"a b host *",
		"a b 10.0.0.1 0",
		"a b 10.0.0.1 65536",
		"a b 10.0.0.1 80,",
		"a b 10.0.0.1 ,80",
		"a b 10.0.0.1 p",
		"a b 10.0.0.1 80q",
		"a b 10.0.0.1 *p",
	};
	struct routes_line line;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err e = ERR_NONE;

		assert(routes_line_parse(lines[i], strlen(lines[i]), &line, &e) < 0 && e.text[0]);
	}
	assert(routes_line_parse("a b 10.0.0.1 *\0", 15, &line, NULL) < 0);
	assert(routes_line_parse("", 0, &line, NULL) == 0 &&
	       routes_line_parse(" # x", 4, &line, NULL) == 0);
	assert(routes_line_parse("a\tb  10.0.0.1 *\r", 16, &line, NULL) == 1);
}

static void test_messages_name_the_line(void)
{
	struct routes_builder *b = routes_builder_new(NULL);
	struct err e = ERR_NONE;

	assert(routes_text_add("# x\n\na b c d\n", 13, "my-routes", b, &e) < 0);
	assert(strstr(e.text, "my-routes:3: "));
	routes_builder_free(b);
}

static void test_too_long_a_line_and_too_many_ports(void)
{
	char text[1200] = "a b 10.0.0.1 1";
	struct routes_line line;
	size_t n = strlen(text);
	int i;

	for (i = 0; i < ROUTES_PORTS_MAX - 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",%d", i + 2);
	assert(routes_line_parse(text, n, &line, NULL) == 1 &&
	       line.instance.policy.n == ROUTES_PORTS_MAX);
	memcpy(text + n, ",9", 3);
	assert(routes_line_parse(text, n + 2, &line, NULL) == ERR_LIMIT);
	memset(text, ' ', sizeof(text));
	assert(routes_line_parse(text, ROUTES_LINE_MAX, &line, NULL) == ERR_INPUT);
}

static void test_many_are_found_and_none_is_mistaken(void)
{
	struct routes_builder *b = routes_builder_new(NULL);
	struct routes *r = NULL;
	char app[16], id[16];
	struct route_app found;
	int i;

	for (i = 0; i < 5000; i++) {
		struct route_instance in = { .app_id = app, .id = id, .is_ready = true };

		(void)snprintf(app, sizeof(app), "app%d", i / 2);
		(void)snprintf(id, sizeof(id), "i%d", i);
		assert(routes_builder_add(b, &in, NULL) == 0);
	}
	assert(routes_builder_finish(b, &r, NULL) == 0 && routes_n_apps(r) == 2500);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof(id), "i%d", i);
		(void)snprintf(app, sizeof(app), "app%d", i / 2);
		assert(find(r, id, &found) && found.n == 1 && strcmp(found.load->id, app) == 0);
		assert(find(r, app, &found) && found.n == 2 && strcmp(found.load->id, app) == 0);
	}
	assert(!find(r, "app2500", &found) && !find(r, "i5000", &found));
	routes_free(r);
}

static void test_failures_rest_longer_each_time(void)
{
	struct load *l = load_new("x");

	load_failed(l, 1000);
	assert(load_is_resting(l, 80, 1999) && !load_is_resting(l, 80, 2000));
	load_failed(l, 2000);
	assert(load_is_resting(l, 80, 3999) && !load_is_resting(l, 80, 4000));
	for (int i = 0; i < 50; i++)
		load_failed(l, 10000);
	assert(load_is_resting(l, 80, 39999) && !load_is_resting(l, 80, 40000));
	load_answered(l, 80);
	assert(!load_is_resting(l, 80, 10000));
	assert(load_enter(l, 1) && !load_enter(l, 1) && load_enter(l, 0));
	load_leave(l);
	load_leave(l);
	load_unref(l);
}

static void test_a_port_that_refuses_rests_alone(void)
{
	struct load *l = load_new("x");
	uint16_t ports[LOAD_PORTS];
	unsigned int port;

	load_refused(l, 80, 1000);
	assert(load_is_resting(l, 80, 1999) && !load_is_resting(l, 80, 2000));
	assert(!load_is_resting(l, 81, 1500) && !load_is_resting(l, 0, 1500));
	load_refused(l, 80, 2000);
	assert(load_is_resting(l, 80, 3999) && !load_is_resting(l, 80, 4000));
	for (int i = 0; i < 300; i++)
		load_refused(l, 80, 10000);
	assert(load_is_resting(l, 80, 39999) && !load_is_resting(l, 80, 40000));
	load_answered(l, 81);
	assert(load_is_resting(l, 80, 10000));
	load_answered(l, 80);
	assert(!load_is_resting(l, 80, 10000));
	assert(load_resting_ports(l, 10000, ports) == 0);
	/* the one whose rest ends first gives way */
	for (port = 1; port <= LOAD_PORTS + 1; port++)
		load_refused(l, (uint16_t)port, 10000 + port);
	assert(!load_is_resting(l, 1, 10100) && load_is_resting(l, 2, 10100));
	assert(load_is_resting(l, LOAD_PORTS + 1, 10100));
	assert(load_resting_ports(l, 10100, ports) == LOAD_PORTS);
	/* the whole rests for every port */
	load_failed(l, 10000);
	assert(load_is_resting(l, 1, 10100) && load_is_resting(l, 0, 10100));
	load_unref(l);
}

int main(void)
{
	test_apps_and_instances_are_found();
	test_nothing_known_lets_nothing_in();
	test_an_id_of_both_is_the_instances();
	test_counts_outlive_a_snapshot();
	test_two_instances_of_one_id_are_refused();
	test_lines_that_are_refused();
	test_messages_name_the_line();
	test_too_long_a_line_and_too_many_ports();
	test_many_are_found_and_none_is_mistaken();
	test_failures_rest_longer_each_time();
	test_a_port_that_refuses_rests_alone();
	return 0;
}
