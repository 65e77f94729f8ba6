/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "key-provider/config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "tee/root.h"
#include "tee/tcb.h"

enum { TEXT_MAX = 65536 };

static int read_text(const char *text, struct config **ret, struct err *e)
{
	char path[] = "/tmp/b-config-XXXXXX";
	int fd = mkstemp(path), rc;

	*ret = NULL;
	*e = ERR_NONE;
	assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
	rc = config_read(path, ret, e);
	assert(unlink(path) == 0 && (rc == 0) == !!*ret &&
	       (rc == 0 || rc == ERR_INPUT || e->text[0]));
	return rc;
}

static void test_everything_has_a_default(void)
{
	struct config *c = NULL;

	assert(config_read(NULL, &c, NULL) == 0);
	assert(str_equal(c->listen, "127.0.0.1:3443") && str_equal(c->user, "bailey-key-provider"));
	assert(c->accept == 1u << TCB_UP_TO_DATE && !c->pccs_url && !c->pccs_may_http);
	assert(c->pccs_timeout_ms == 20000 && !c->is_simulated && root_is_intel(c->root));
	config_free(c);
}

static void test_what_is_written_counts(void)
{
	struct config *c;
	struct err e;

	assert(read_text("listen: unix:/run/k/s\nstate: /x\nuser: root\nlog: warn\n"
			 "accept: [UpToDate, OutOfDate]\npccs: { url: http://10.0.0.1, "
			 "allow_http: true, timeout: 3s, ca_file: /ca }\n",
			 &c, &e) == 0);
	assert(str_equal(c->listen, "unix:/run/k/s") && str_equal(c->state, "/x"));
	assert(c->log == LOG_LEVEL_WARN && c->pccs_timeout_ms == 3000 && c->pccs_may_http);
	assert(c->accept == (1u << TCB_UP_TO_DATE | 1u << TCB_OUT_OF_DATE));
	assert(str_equal(c->pccs_url, "http://10.0.0.1") && str_equal(c->pccs_ca_file, "/ca"));
	config_free(c);
}

static void test_mistakes_are_named_with_their_line(void)
{
	static const char *const cases[][2] = {
		{ "listen: localhost:3443\n", "127.0.0.1:3443" },
		{ "listen: unix:relative\n", "unix:/run" },
		{ "\naccept: [Revoked]\n", "never accepted" },
		{ "accept: [Fine]\n", "UpToDate" },
		{ "state: relative\n", "slash" },
		{ "pccs: { timeout: 1h }\n", "timeout" },
		{ "pcs: { }\n", "pccs" },
		{ "simulated_root: /none\n", "/none" },
		{ "simulated_root: /dev/null\n", "simulated_root" },
	};
	struct config *c;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert(read_text(cases[i][0], &c, &e) < 0 && strstr(e.text, cases[i][1]));
		assert(strstr(e.text, i == 2 ? ":2" : ":1"));
	}
}

static void test_what_is_printed_reads_back(void)
{
	auto_buf struct buf one = BUF_MAX(TEXT_MAX), two = BUF_MAX(TEXT_MAX);
	json_t *j_one, *j_two;
	struct config *c, *d;
	struct err e;

	assert(read_text("accept: [UpToDate, ConfigurationNeeded]\npccs: { timeout: 7s }\n", &c,
			 &e) == 0);
	config_print(c, &one);
	assert(read_text((const char *)one.p, &d, &e) == 0);
	config_print(d, &two);
	assert(json_parse(one.p, one.n, TEXT_MAX, "one", &j_one, NULL) == 0);
	assert(json_parse(two.p, two.n, TEXT_MAX, "two", &j_two, NULL) == 0);
	assert(json_equal(j_one, j_two));
	json_decref(j_one);
	json_decref(j_two);
	config_free(c);
	config_free(d);
}

static void test_the_example_names_every_key(void)
{
	static const char path[] = SOURCE_DIR "/configs/bailey-key-provider.yaml";
	auto_buf struct buf b = BUF_MAX(0), want = BUF_MAX(TEXT_MAX);
	struct config *c = NULL;
	const char *body;

	assert(config_read(path, &c, NULL) == 0);
	config_free(c);
	assert(conf_describe(config_keys, &want) == 0);
	assert(file_read(AT_FDCWD, path, TEXT_MAX, &b, NULL) == 0);
	body = strstr((const char *)b.p, "\n\n");
	assert(body && str_equal(body + 2, (const char *)want.p));
}

int main(void)
{
	test_everything_has_a_default();
	test_what_is_written_counts();
	test_mistakes_are_named_with_their_line();
	test_what_is_printed_reads_back();
	test_the_example_names_every_key();
	return 0;
}
