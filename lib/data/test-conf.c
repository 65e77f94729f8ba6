/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "data/json.h"

static int no_spaces(const char *text, struct err *e)
{
	if (strchr(text, ' '))
		return err_set(e, ERR_INPUT, "\"%s\" has a space; write it without", text);
	return 0;
}

static const char *const protocols[] = { "tcp", "udp", NULL };

static const struct conf_key port_keys[] = {
	{ .name = "protocol",
	  .type = CONF_ENUM,
	  .values = protocols,
	  .otherwise = "tcp",
	  .doc = "Which." },
	{ .name = "host",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .example = "8080",
	  .doc = "On the host." },
	{ 0 },
};

static const struct conf_key resource_keys[] = {
	{ .name = "vcpu",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 64,
	  .otherwise = "2",
	  .doc = "Cores." },
	{ .name = "memory",
	  .type = CONF_SIZE,
	  .min = 64ull << 20,
	  .max = 1ull << 40,
	  .otherwise = "2G",
	  .doc = "Memory." },
	{ .name = "grace",
	  .type = CONF_DURATION,
	  .min = 100,
	  .max = 3600000,
	  .otherwise = "30s",
	  .doc = "Patience." },
	{ 0 },
};

static const struct conf_key tls_keys[] = {
	{ .name = "cert",
	  .type = CONF_STRING,
	  .required = true,
	  .example = "/etc/x.pem",
	  .doc = "File." },
	{ .name = "strict", .type = CONF_BOOL, .otherwise = "true", .doc = "No mercy." },
	{ 0 },
};

static const struct conf_key table[] = {
	{ .name = "name",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 10,
	  .required = true,
	  .example = "hello",
	  .check = no_spaces,
	  .doc = "What to call it." },
	{ .name = "image",
	  .type = CONF_STRING,
	  .example = "bailey-0.1.0",
	  .doc = "What it is made of." },
	{ .name = "debug", .type = CONF_BOOL, .otherwise = "false", .doc = "Say more." },
	{ .name = "resources", .type = CONF_MAP, .keys = resource_keys, .doc = "How much." },
	{ .name = "ports", .type = CONF_MAPS, .keys = port_keys, .most = 2, .doc = "Ways in." },
	{ .name = "tls", .type = CONF_MAP, .keys = tls_keys, .doc = "Secrecy." },
	{ .name = "urls",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .most = 3,
	  .otherwise = "[a, b]",
	  .check = no_spaces,
	  .doc = "Where." },
	{ .name = "env", .type = CONF_STRING_MAP, .max = 8, .most = 2, .doc = "Environment." },
	{ .name = "script",
	  .type = CONF_TEXT,
	  .example = "|\n#!/bin/sh\necho hello",
	  .doc = "What runs." },
	{ .name = "queue", .type = CONF_UINT, .min = 3, .otherwise = "3", .doc = "Length." },
	{ 0 },
};

static json_t *good_table(const struct conf_key *t, const char *text)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;
	int rc = conf_load(t, text, strlen(text), "app.yaml", &j, &e);

	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(rc == 0);
	return j;
}

static json_t *good(const char *text)
{
	return good_table(table, text);
}

static void bad(const char *text, const char *message)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;
	int rc = conf_load(table, text, strlen(text), "app.yaml", &j, &e);

	if (rc != ERR_INPUT || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", rc, e.text, message);
	assert(rc == ERR_INPUT && strcmp(e.text, message) == 0 && !j);
}

/* @line with a name before it, so that it is line 2. */
static void bad_line(const char *line, const char *message)
{
	auto_free char *text = xasprintf("name: x\n%s\n", line);
	auto_free char *whole = xasprintf("app.yaml:2: %s", message);

	bad(text, whole);
}

static void same(json_t *j, const char *expected)
{
	auto_free char *got = NULL;

	conf_forget_lines(j);
	got = json_compact(j);
	if (strcmp(got, expected) != 0)
		(void)fprintf(stderr, "got %s\nexpected %s\n", got, expected);
	assert(strcmp(got, expected) == 0);
	json_decref(j);
}

static void test_defaults_fill_what_is_not_written(void)
{
	same(good("name: x\n"),
	     "{\"name\":\"x\",\"debug\":false,\"resources\":{\"vcpu\":2,\"memory\":2147483648,"
	     "\"grace\":30000},\"ports\":[],\"urls\":[\"a\",\"b\"],\"env\":{},\"queue\":3}");
}

static void test_everything_written(void)
{
	same(good("script: |\n  a\n  b\nenv: {A: '', B: 2}\nurls: []\ntls:\n  cert: /x\nports:\n"
		  "- host: 1\n- {protocol: udp, host: 65535}\nresources:\n  memory: 64m\n  grace: "
		  "1h\n"
		  "queue: 9223372036854775807\ndebug: true\nimage: \"\"\nname: x\n"),
	     "{\"name\":\"x\",\"image\":\"\",\"debug\":true,\"resources\":{\"vcpu\":2,"
	     "\"memory\":67108864,\"grace\":3600000},\"ports\":[{\"protocol\":\"tcp\",\"host\":1},"
	     "{\"protocol\":\"udp\",\"host\":65535}],\"tls\":{\"cert\":\"/x\",\"strict\":true},"
	     "\"urls\":[],\"env\":{\"A\":\"\",\"B\":\"2\"},\"script\":\"a\\nb\\n\","
	     "\"queue\":9223372036854775807}");
}

static void test_empty_sections_are_absent(void)
{
	json_t *j = good("name: x\nresources:\nports: ~\ntls:\nenv:\n");

	assert(json_get_u64(json_object_get(j, "resources"), "vcpu", 0) == 2);
	assert(json_array_size(json_object_get(j, "ports")) == 0 && !json_object_get(j, "tls"));
	json_decref(j);
}

static void test_lines_are_kept(void)
{
	json_t *j = good("name: x\nports:\n- host: 1\n-\n  protocol: udp\n  host: 2\nresources:\n  "
			 "vcpu: 1\n");

	assert(conf_line(j, "name") == 1 && conf_line(j, "ports[1].host") == 6);
	assert(conf_line(j, "resources.vcpu") == 8 && conf_line(j, "resources.memory") == 0);
	assert(conf_line(j, "nothing") == 0);
	conf_forget_lines(j);
	assert(conf_line(j, "name") == 0 && !json_object_get(j, CONF_LINES));
	json_decref(j);
}

static void test_sizes(void)
{
	bad("name: x\nresources:\n  vcpu: 1\n\n\n\n  memory: 2GB\n",
	    "app.yaml:7: resources.memory: \"2GB\" is not a size; write 2G");
	bad_line("resources: {memory: 2 GiB}",
		 "resources.memory: \"2 GiB\" is not a size; write 2G");
	bad_line("resources: {memory: 2gb}", "resources.memory: \"2gb\" is not a size; write 2G");
	bad_line("resources: {memory: big}",
		 "resources.memory: \"big\" is not a size; write a size such as 512M or 2G");
	bad_line("resources: {memory: 1.5G}",
		 "resources.memory: \"1.5G\" is not a size; write a size such as 512M or 2G");
	bad_line("resources: {memory: -1}",
		 "resources.memory: \"-1\" is not a size; write a size such as 512M or 2G");
	bad_line("resources: {memory: 2048}",
		 "resources.memory: 2048 is out of range; write 64M to 1T");
	bad_line("resources: {memory: 2T}",
		 "resources.memory: 2T is out of range; write 64M to 1T");
	bad_line("resources: {memory: 99999999999T}",
		 "resources.memory: 99999999999T is out of range; write 64M to 1T");
	json_decref(good("name: x\nresources: {memory: 67108864}\n"));
}

static void test_durations(void)
{
	bad_line("resources: {grace: 30 sec}",
		 "resources.grace: \"30 sec\" is not a duration; write 30s");
	bad_line("resources: {grace: 5min}",
		 "resources.grace: \"5min\" is not a duration; write 5m");
	bad_line("resources: {grace: 200 millis}",
		 "resources.grace: \"200 millis\" is not a duration; write 200ms");
	bad_line("resources: {grace: 30}", "resources.grace: \"30\" is not a duration; write 30s");
	bad_line("resources: {grace: soon}",
		 "resources.grace: \"soon\" is not a duration; write 500ms, 30s, 5m, 2h or 1d");
	bad_line("resources: {grace: 1d}",
		 "resources.grace: 1d is out of range; write 100ms to 1h");
	bad_line("resources: {grace: 0}", "resources.grace: 0 is out of range; write 100ms to 1h");
}

static void test_numbers(void)
{
	bad_line("resources: {vcpu: 0}", "resources.vcpu: 0 is out of range; write 1 to 64");
	bad_line("resources: {vcpu: 65}", "resources.vcpu: 65 is out of range; write 1 to 64");
	bad_line("resources: {vcpu: two}",
		 "resources.vcpu: \"two\" is not a number; write decimal digits");
	bad_line("resources: {vcpu: 010}", "resources.vcpu: \"010\" is not a number; write 10");
	bad_line("resources: {vcpu: \"010\\n\"}",
		 "resources.vcpu: \"010\\x0a\" is not a number; write decimal digits");
	bad_line("resources: {vcpu: 0x10}",
		 "resources.vcpu: \"0x10\" is not a number; write decimal digits");
	bad_line("resources: {vcpu: 99999999999999999999999999}",
		 "resources.vcpu: 99999999999999999999999999 is out of range; write 1 to 64");
	bad_line("queue: 2", "queue: 2 is out of range; write at least 3");
	bad_line("queue: 9223372036854775808",
		 "queue: 9223372036854775808 is out of range; write at least 3");
}

static void test_booleans(void)
{
	bad_line("debug: yes", "debug: \"yes\" is not true or false; write true");
	bad_line("debug: Off", "debug: \"Off\" is not true or false; write false");
	bad_line("debug: True", "debug: \"True\" is not true or false; write true");
}

static void test_text(void)
{
	bad("name: \"\"\n", "app.yaml:1: name: is empty; write at least 1 bytes");
	bad("name: hello world\n",
	    "app.yaml:1: name: \"hello world\" is too long: 11 bytes; write at most 10");
	bad("name: \"a b\"\n", "app.yaml:1: name: \"a b\" has a space; write it without");
	bad("name: \"a\\nb\"\n",
	    "app.yaml:1: name: \"a\\x0ab\" is not one line of text; remove the line "
	    "break or control character");
	bad_line("urls: [ok, \"\"]", "urls[1]: is empty; write at least 1 bytes");
	bad_line("urls: [ok, a b]", "urls[1]: \"a b\" has a space; write it without");
	bad_line("env: {A: 123456789}",
		 "env.A: \"123456789\" is too long: 9 bytes; write at most 8");
}

static void test_enums(void)
{
	bad_line("ports: [{host: 1, protocol: tpc}]",
		 "ports[0].protocol: \"tpc\" is not one of tcp, udp; did you mean \"tcp\"?");
	bad_line("ports: [{host: 1, protocol: TCP}]",
		 "ports[0].protocol: \"TCP\" is not one of tcp, udp; did you mean \"tcp\"?");
	bad_line("ports: [{host: 1, protocol: quic}]",
		 "ports[0].protocol: \"quic\" is not one of tcp, udp");
}

static void test_unknown_keys(void)
{
	bad_line("resources: {memroy: 2G}",
		 "resources.memroy: unknown key; did you mean \"memory\"?");
	bad_line("resource: {}", "resource: unknown key; did you mean \"resources\"?");
	bad_line("colour: red",
		 "colour: unknown key; known here: name, image, debug, resources, ports, tls, "
		 "urls, env, script, queue");
	bad_line("ports: [{host: 1, x: 2}]", "ports[0].x: unknown key; known here: protocol, host");
	bad_line("\"a\\e[1m\": 1",
		 "a\\x1b[1m: unknown key; known here: name, image, debug, resources, "
		 "ports, tls, urls, env, script, queue");
	bad_line(".lines: {}", ".lines: unknown key; known here: name, image, debug, resources, "
			       "ports, tls, urls, env, script, queue");
}

static void test_missing_keys(void)
{
	bad("", "app.yaml:1: name: is missing; write \"name: hello\"");
	bad("# nothing\n", "app.yaml:1: name: is missing; write \"name: hello\"");
	bad_line("ports: [{protocol: udp}]", "ports[0].host: is missing; write \"host: 8080\"");
	bad_line("tls: {strict: true}", "tls.cert: is missing; write \"cert: /etc/x.pem\"");
	bad("name:\n", "app.yaml:1: name: has no value; write one, or \"\" for an empty one");
	bad_line("debug:", "debug: has no value; write one, or remove the key");
	bad_line("urls: [~]", "urls[0]: has no value; write one, or remove the key");
}

static void test_wrong_kinds(void)
{
	bad("- a\n", "app.yaml:1: expected a map (lines of \"key: value\"), found a list");
	bad("hello\n", "app.yaml:1: expected a map (lines of \"key: value\"), found text");
	bad("name: [x]\n", "app.yaml:1: name: expected one value, found a list");
	bad("name: {x: 1}\n", "app.yaml:1: name: expected one value, found a map");
	bad_line("ports: 80", "ports: expected a list (lines that begin with \"- \"), found text");
	bad_line("ports: [80]", "ports[0]: expected a map of keys, found text");
	bad_line("ports: [~]", "ports[0]: expected a map of keys, found text");
	bad_line("resources: 2",
		 "resources: expected a map (indented lines of \"key: value\"), found text");
	bad_line("env: [A]", "env: expected a map (lines of \"KEY: value\"), found a list");
	bad_line("env: {\"\": x}", "env.: a key must be one line of text");
	bad_line("env: {\"a\\nb\": x}", "env.a\\x0ab: a key must be one line of text");
	bad_line("env: {A: []}", "env.A: expected one value, found a list");
}

static void test_counts(void)
{
	bad_line("ports: [{host: 1}, {host: 2}, {host: 3}]",
		 "ports: has 3 entries; write at most 2");
	bad_line("env: {A: 1, B: 2, C: 3}", "env: has 3 entries; write at most 2");
}

static void test_duplicates(void)
{
	bad("name: x\nresources:\n  vcpu: 1\nname: y\n",
	    "app.yaml:4: name: given twice; first on line 1");
}

/* What is described is what is loaded. */
static void test_description_loads_again(void)
{
	auto_buf struct buf b = BUF_MAX(100000);
	json_t *j;

	assert(conf_describe(table, &b) == 0);
	j = good((const char *)b.p);
	same(j,
	     "{\"name\":\"hello\",\"debug\":false,\"resources\":{\"vcpu\":2,\"memory\":2147483648,"
	     "\"grace\":30000},\"ports\":[],\"urls\":[\"a\",\"b\"],\"env\":{},\"queue\":3}");
	assert(strstr((const char *)b.p, "# What to call it.  Required.\nname: hello\n"));
	assert(strstr((const char *)b.p, "# What it is made of.\n# image: bailey-0.1.0\n"));
	assert(strstr((const char *)b.p, "  # Memory.\n  memory: 2G\n"));
	assert(strstr((const char *)b.p,
		      "#     # Which.  One of: tcp, udp\n#     protocol: tcp\n"));
}

/* ... also when its commented parts are put to use. */
static void test_commented_parts_load_too(void)
{
	auto_buf struct buf b = BUF_MAX(100000), all = BUF_MAX(100000);
	const char *line, *end;
	json_t *j;

	assert(conf_describe(table, &b) == 0);
	for (line = (const char *)b.p; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (strncmp(line, "# env", 5) == 0)
			continue; /* has neither default nor example */
		if (line[0] == '#' && line[1] == ' ' && (line[2] < 'A' || line[2] > 'Z'))
			line += 2;
		assert(buf_add(&all, line, (size_t)(end + 1 - line)) == 0);
	}
	j = good((const char *)all.p);
	same(j,
	     "{\"name\":\"hello\",\"image\":\"bailey-0.1.0\",\"debug\":false,\"resources\":{"
	     "\"vcpu\":2,"
	     "\"memory\":2147483648,\"grace\":30000},\"ports\":[{\"protocol\":\"tcp\",\"host\":"
	     "8080}],"
	     "\"tls\":{\"cert\":\"/etc/x.pem\",\"strict\":true},\"urls\":[\"a\",\"b\"],\"env\":{},"
	     "\"script\":\"#!/bin/sh\\necho hello\\n\",\"queue\":3}");
}

static void collect(const char *path, const struct conf_key *k, void *arg)
{
	assert(k->doc);
	assert(buf_addf(arg, "%s ", path) == 0);
}

static void test_each_key_is_visited(void)
{
	auto_buf struct buf b = BUF_MAX(1000);

	conf_each(table, collect, &b);
	assert(strcmp((const char *)b.p,
		      "name image debug resources resources.vcpu resources.memory "
		      "resources.grace ports ports.protocol ports.host tls tls.cert "
		      "tls.strict urls env script queue ") == 0);
}

static void test_files(void)
{
	char path[] = "/tmp/test-conf-XXXXXX";
	struct err e = ERR_NONE;
	json_t *j = NULL;
	int fd = mkstemp(path);

	assert(fd >= 0 && write(fd, "name: x\n", 8) == 8 && close(fd) == 0);
	assert(conf_load_file(table, path, &j, &e) == 0);
	json_decref(j);
	assert(unlink(path) == 0);
	assert(conf_load_file(table, path, &j, &e) == -ENOENT && strstr(e.text, path));
}

int main(void)
{
	test_defaults_fill_what_is_not_written();
	test_everything_written();
	test_empty_sections_are_absent();
	test_lines_are_kept();
	test_sizes();
	test_durations();
	test_numbers();
	test_booleans();
	test_text();
	test_enums();
	test_unknown_keys();
	test_missing_keys();
	test_wrong_kinds();
	test_counts();
	test_duplicates();
	test_description_loads_again();
	test_commented_parts_load_too();
	test_each_key_is_visited();
	test_files();
	return 0;
}
