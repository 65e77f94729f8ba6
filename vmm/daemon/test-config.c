/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "data/json.h"

static struct config *parse(const char *text)
{
	struct err e = ERR_NONE;
	struct config *c = NULL;

	if (config_parse(text, strlen(text), "t.yaml", &c, &e))
		(void)fprintf(stderr, "%s\n", e.text);
	assert(c);
	return c;
}

static void test_everything_has_a_default(void)
{
	struct config *c = parse("");

	assert(*c->state == '/' && *c->run == '/' && str_ends(c->api_socket, "/baileyd.sock"));
	assert(!c->libvirt_uri && c->share == CONFIG_SHARE_DISK &&
	       c->carrier == CONFIG_CARRIER_AUTO);
	assert(c->ports_enabled && str_equal(c->ports_address, "127.0.0.1") && c->n_ranges == 2);
	assert(c->max_body == 10 * 1024 * 1024 && c->events_max == 200 && c->qgs_port == 4050);
	assert(!c->key_provider_enabled && c->guest_timeout_ms == 30000);
	assert(!c->kms_urls.n && !c->simulator_seed);
	config_free(c);
}

static void test_what_is_written_counts(void)
{
	struct config *c =
		parse("name: here\nstate: /s\nrun: /r\nlog: debug\n"
		      "api: { users: [root, 1001] }\nlibvirt: { uri: system }\n"
		      "vsock: { carrier: program, program: /bin/x }\nshare: { mode: 9p }\n"
		      "port_mapping: { enabled: false }\nlimits: { memory: 2G, body: 1M }\n"
		      "kms_urls: [https://a, https://b]\nstop: { guest: 5s }\n");

	assert(str_equal(c->name, "here") && str_equal(c->state, "/s"));
	assert(str_equal(c->api_socket, "/r/baileyd.sock") && c->log == LOG_LEVEL_DEBUG);
	assert(c->n_users == 2 && c->users[0] == 0 && c->users[1] == 1001);
	assert(str_equal(c->libvirt_uri, "qemu:///system"));
	assert(c->carrier == CONFIG_CARRIER_PROGRAM && str_equal(c->vsock_program, "/bin/x"));
	assert(c->share == CONFIG_SHARE_9P && !c->ports_enabled);
	assert(c->max_memory == 2ULL << 30 && c->max_body == 1 << 20);
	assert(c->kms_urls.n == 2 && str_equal(c->kms_urls.items[1], "https://b"));
	assert(c->guest_timeout_ms == 5000);
	config_free(c);
}

static void refuse(const char *text, const char *place, const char *word)
{
	struct err e = ERR_NONE;
	struct config *c = NULL;

	assert(config_parse(text, strlen(text), "t.yaml", &c, &e) < 0 && !c);
	if (!str_starts(e.text, place) || !strstr(e.text, word))
		(void)fprintf(stderr, "\"%s\": %s\n", text, e.text);
	assert(str_starts(e.text, place) && strstr(e.text, word));
}

static void test_mistakes_are_named_with_their_line(void)
{
	refuse("\nstate: relative", "t.yaml:2: state", "absolute");
	refuse("stat: /x", "t.yaml:1: stat", "state");
	refuse("log: loud", "t.yaml:1: log", "loud");
	refuse("api:\n  users: [nobody-of-that-name]", "t.yaml:2: api.users", "no user");
	refuse("vsock: { carrier: program }", "t.yaml:", "program");
	refuse("port_mapping:\n  ranges:\n  - { from: 20, to: 10 }",
	       "t.yaml:3: port_mapping.ranges[0].to", "before from");
	refuse("port_mapping: { address: localhost }", "t.yaml:1: port_mapping.address",
	       "127.0.0.1");
	refuse("limits: { vms: 300 }\nvsock: { cids: 100 }", "t.yaml:1: limits.vms", "CIDs");
	refuse("events_max: 3", "t.yaml:1: events_max", "20");
	refuse("kms_urls: [kms.example.com]", "t.yaml:1: kms_urls", "https://");
	refuse("key_provider: { address: 3443 }", "t.yaml:1: key_provider.address", "host:port");
	refuse("libvirt: { uri: docker }", "t.yaml:1: libvirt.uri", "embed");
	refuse("qemu: { user: nobody-of-that-name }", "t.yaml:1: qemu.user", "no user");
}

static void test_a_run_folder_too_deep_for_sockets_is_refused(void)
{
	char text[256] = "run: /";

	memset(text + 6, 'r', CONFIG_RUN_MAX);
	refuse(text, "t.yaml:1: run", "");
}

/* What is printed can be read again, and means the same. */
static void test_what_is_printed_reads_back(void)
{
	auto_buf struct buf one = BUF_MAX(65536), two = BUF_MAX(65536);
	json_t *j_one, *j_two;
	struct config *c = parse(
			      "state: /s\nrun: /r\nlimits: { memory: 3G }\nstop: { guest: 7s }\n"),
		      *d;

	config_print(c, &one);
	d = parse((const char *)one.p);
	config_print(d, &two);
	assert(d->max_memory == c->max_memory && d->guest_timeout_ms == 7000);
	assert(!json_parse(one.p, one.n, 65536, "one", &j_one, NULL));
	assert(!json_parse(two.p, two.n, 65536, "two", &j_two, NULL));
	assert(json_equal(j_one, j_two));
	json_decref(j_one);
	json_decref(j_two);
	config_free(c);
	config_free(d);
}

static void test_the_example_is_right_and_names_every_key(void)
{
	auto_buf struct buf b = BUF_MAX(0), want = BUF_MAX(65536);
	struct config *c = NULL;
	const char *body;
	struct err e = ERR_NONE;

	if (config_load(SOURCE_DIR "/configs/baileyd.yaml", &c, &e))
		(void)fprintf(stderr, "%s\n", e.text);
	assert(c);
	config_free(c);
	/* After its header it is the table itself, so no key and no default can be missing or old. */
	assert(!conf_describe(config_table, &want));
	assert(!file_read(AT_FDCWD, SOURCE_DIR "/configs/baileyd.yaml", 65536, &b, NULL));
	body = strstr((const char *)b.p, "\n\n");
	assert(body && str_equal(body + 2, (const char *)want.p));
}

int main(void)
{
	test_everything_has_a_default();
	test_what_is_written_counts();
	test_mistakes_are_named_with_their_line();
	test_a_run_folder_too_deep_for_sockets_is_refused();
	test_what_is_printed_reads_back();
	test_the_example_is_right_and_names_every_key();
	return 0;
}
