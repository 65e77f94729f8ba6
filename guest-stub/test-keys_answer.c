/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "guest-stub/keys_answer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/app_keys_file.h"
#include "data/json.h"

static struct app_keys_file some_keys(void)
{
	struct app_keys_file f = { .provider = APP_KEY_PROVIDER_LOCAL };

	memset(f.disk.b, 1, sizeof(f.disk.b));
	memset(f.k256.b, 2, sizeof(f.k256.b));
	memset(f.id, 3, 32);
	f.n_id = 32;
	f.gateway_app_id = xstrdup("");
	f.ca_cert = xstrdup("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
	f.ca_key = xstrdup("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
	return f;
}

static void test_keys_arrive(void)
{
	auto_close int fd = keys_answer_new(NULL);
	auto_app_keys_file struct app_keys_file f = some_keys(), got = { .n_id = 0 };
	struct err e = ERR_NONE;
	bool is_ours = true;

	assert(keys_answer_put_keys(fd, &f, false, &e) == 0);
	assert(keys_answer_take(fd, &got, &is_ours, &e) == 0 && !is_ours);
	assert(got.provider == APP_KEY_PROVIDER_LOCAL && got.disk.b[31] == 1 && got.n_id == 32 &&
	       got.id[0] == 3 && str_equal(got.ca_cert, f.ca_cert));
	app_keys_file_wipe(&got);
	assert(keys_answer_put_keys(fd, &f, true, &e) == 0);
	assert(keys_answer_take(fd, &got, &is_ours, &e) == 0 && is_ours);
}

static void fails(int fd, int code, const char *words)
{
	struct app_keys_file got = { .n_id = 0 };
	struct err e = ERR_NONE;
	bool is_ours = false;

	assert(keys_answer_take(fd, &got, &is_ours, &e) == code);
	assert(strstr(e.text, words));
}

static void test_words_arrive_escaped(void)
{
	auto_close int fd = keys_answer_new(NULL);

	fails(fd, ERR_BAD_STATE, "nothing was handed over");
	assert(keys_answer_put_error(fd, "no\nKMS \033[31m", false) == 0);
	fails(fd, ERR_MISSING, "no\\x0aKMS \\x1b[31m");
	assert(keys_answer_put_error(fd, "not now\n", true) == 0);
	fails(fd, -EAGAIN, "not now\\x0a");
}

static void test_nothing_else_is_taken(void)
{
	auto_close int fd = keys_answer_new(NULL);
	auto_free char *all = xcalloc(1, 4096);

	assert(pwrite(fd, "X", 1, 0) == 1);
	fails(fd, ERR_PROTO, "neither keys nor words");
	assert(pwrite(fd, "K{}", 4, 0) == 4);
	fails(fd, ERR_INPUT, "");
	/* it cannot be made longer than it is, whoever has it */
	assert(lseek(fd, 0, SEEK_END) > APP_KEYS_FILE_MAX);
	assert(write(fd, "x", 1) < 0 && ftruncate(fd, 1 << 20) < 0 && ftruncate(fd, 0) < 0);
	/* as full as it gets */
	assert(lseek(fd, 0, SEEK_SET) == 0);
	memset(all, 'K', 4096);
	while (write(fd, all, 4096) > 0)
		continue;
	fails(fd, ERR_INPUT, "");
}

int main(void)
{
	json_wipe_on_free();
	test_keys_arrive();
	test_words_arrive_escaped();
	test_nothing_else_is_taken();
	return 0;
}
