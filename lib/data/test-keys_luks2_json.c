/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/luks2_json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { SIZE = 16 * 1024 };

/* As cryptsetup 2.6.1 wrote it. */
static const char good[] =
	"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,\"af\":{\"type\":\"luks1\","
	"\"stripes\":4000,\"hash\":\"sha256\"},\"area\":{\"type\":\"raw\",\"offset\":\"32768\","
	"\"size\":\"258048\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},\"kdf\":{"
	"\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000,\"salt\":"
	"\"j2B8Mn+UFYOIIHu+bC7ZLlc/i6Gom9AQrwS4siTZfRw=\"}}},\"tokens\":{},\"segments\":{\"0\":{"
	"\"type\":\"crypt\",\"offset\":\"16777216\",\"size\":\"dynamic\",\"iv_tweak\":\"0\","
	"\"encryption\":\"aes-xts-plain64\",\"sector_size\":512}},\"digests\":{\"0\":{\"type\":"
	"\"pbkdf2\",\"keyslots\":[\"0\"],\"segments\":[\"0\"],\"hash\":\"sha256\","
	"\"iterations\":1000,\"salt\":\"+eP/nVPfPbgtfrIBQeBZ22BPoCWBbdvp7AIXu5fcMYI=\","
	"\"digest\":\"SpzQFJcFj08FDaEFTDYrbpECUVXCPoIGAoI0uGhwaCk=\"}},\"config\":{"
	"\"json_size\":\"12288\",\"keyslots_size\":\"262144\"}}";

/* @good with the first @from after @where as @to. */
static char *changed(const char *where, const char *from, const char *to)
{
	const char *at = strstr(good, where);
	const char *found = at ? strstr(at, from) : NULL;

	assert(found);
	return xasprintf("%.*s%s%s", (int)(found - good), good, to, found + strlen(from));
}

static void must_say(const char *text, int code, const char *why)
{
	struct luks2_layout at = { 0 };
	struct err e = ERR_NONE;
	int r = luks2_json_check(text, strlen(text), SIZE, &at, &e);

	if (r != code || !strstr(e.text, why))
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", r, e.text, code, why);
	assert(r == code && strstr(e.text, why) && at.area_offset == 0);
}

static void refused(const char *where, const char *from, const char *to, const char *why)
{
	auto_free char *text = changed(where, from, to);

	must_say(text, ERR_INPUT, why);
}

static void test_cryptsetups_is_taken(void)
{
	struct luks2_layout at;
	struct err e = ERR_NONE;

	assert(luks2_json_check(good, strlen(good), SIZE, &at, &e) == 0);
	assert(at.area_offset == 32768 && at.area_size == 258048);
}

/* Every value in it: changed, it is refused, by its name. */
static void test_each_value_is_held_to_its_rule(void)
{
	static const struct {
		const char *where, *from, *to, *why;
	} rows[] = {
		{ "keyslots", "luks2", "reencrypt", "keyslots.0.type: expected \"luks2\"" },
		{ "keyslots", ":64", ":32", "keyslots.0.key_size: expected 64" },
		{ "keyslots", ":64", ":64.0", "keyslots.0.key_size: expected 64" },
		{ "keyslots", ":64", ":\"64\"", "keyslots.0.key_size: expected 64" },
		{ "\"af\"", "luks1", "luks9", "keyslots.0.af.type: expected \"luks1\"" },
		{ "\"af\"", "4000", "1", "keyslots.0.af.stripes: expected 4000" },
		{ "\"af\"", "sha256", "sha1", "keyslots.0.af.hash: expected \"sha256\"" },
		{ "\"area\"", "raw", "none", "keyslots.0.area.type: expected \"raw\"" },
		{ "\"area\"", "aes-xts-plain64", "cipher_null-ecb",
		  "keyslots.0.area.encryption: expected \"aes-xts-plain64\"" },
		{ "\"area\"", ":64", ":16", "keyslots.0.area.key_size: expected 64" },
		{ "\"kdf\"", "pbkdf2", "argon2id", "keyslots.0.kdf.type: expected \"pbkdf2\"" },
		{ "\"kdf\"", "sha256", "md5", "keyslots.0.kdf.hash: expected \"sha256\"" },
		{ "\"kdf\"", "1000", "999", "keyslots.0.kdf.iterations: expected a number" },
		{ "\"kdf\"", "1000", "4294967296", "keyslots.0.kdf.iterations: expected a number" },
		{ "\"kdf\"", "fRw=", "", "keyslots.0.kdf.salt: expected 32 bytes" },
		{ "segments", "crypt", "linear", "segments.0.type: expected \"crypt\"" },
		{ "segments", "16777216", "16777728", "segments.0.offset: expected \"16777216\"" },
		{ "segments", "dynamic", "4096", "segments.0.size: expected \"dynamic\"" },
		{ "segments", "\"0\",", "\"8\",", "segments.0.iv_tweak: expected \"0\"" },
		{ "segments", "aes-xts-plain64", "cipher_null-ecb",
		  "segments.0.encryption: expected \"aes-xts-plain64\"" },
		{ "segments", "512", "4096", "segments.0.sector_size: expected 512" },
		{ "digests", "pbkdf2", "argon2i", "digests.0.type: expected \"pbkdf2\"" },
		{ "digests", "[\"0\"]", "[]", "digests.0.keyslots: expected [\"0\"]" },
		{ "digests", "[\"0\"]", "[\"0\",\"1\"]", "digests.0.keyslots: expected" },
		{ "digests", "[\"0\"]", "[0]", "digests.0.keyslots: expected" },
		{ "\"segments\":[", "[\"0\"]", "[\"1\"]", "digests.0.segments: expected" },
		{ "digests", "sha256", "sha512", "digests.0.hash: expected \"sha256\"" },
		{ "digests", "1000", "-1", "digests.0.iterations: expected a number" },
		{ "digests", "fcMYI=", "", "digests.0.salt: expected 32 bytes" },
		{ "\"digest\"", "aCk=", "aC==", "digests.0.digest: expected 32 bytes" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i].where, rows[i].from, rows[i].to, rows[i].why);
}

static void test_nothing_more_may_be_there(void)
{
	static const struct {
		const char *from, *to, *why;
	} rows[] = {
		{ "{\"keyslots\"", "{\"reencrypt\":{},\"keyslots\"", "reencrypt: must not" },
		{ "\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"luks2-keyring\"}}",
		  "tokens.0: must not be there" },
		{ "}},\"digests\"", "},\"1\":{}},\"digests\"", "segments.1: must not be there" },
		{ "}}},\"tokens\"", "}},\"1\":{}},\"tokens\"", "keyslots.1: must not be there" },
		{ "}},\"config\"", "},\"1\":{}},\"config\"", "digests.1: must not be there" },
		{ ",\"key_size\"", ",\"priority\":1,\"key_size\"",
		  "keyslots.0.priority: must not" },
		{ ",\"stripes\"", ",\"x\":1,\"stripes\"", "keyslots.0.af.x: must not be there" },
		{ "{\"type\":\"raw\"", "{\"x\":1,\"type\":\"raw\"", "keyslots.0.area.x: must not" },
		{ "{\"type\":\"crypt\"", "{\"integrity\":{},\"type\":\"crypt\"",
		  "segments.0.integrity: must not be there" },
		{ "{\"type\":\"crypt\"", "{\"flags\":[\"in-reencryption\"],\"type\":\"crypt\"",
		  "segments.0.flags: must not be there" },
		{ "{\"json_size\"", "{\"flags\":[\"allow-discards\"],\"json_size\"",
		  "config.flags: must not be there" },
		{ "{\"json_size\"", "{\"requirements\":{},\"json_size\"",
		  "config.requirements: must not be there" },
		{ "{\"type\":\"pbkdf2\",\"hash\"", "{\"time\":1,\"type\":\"pbkdf2\",\"hash\"",
		  "keyslots.0.kdf.time: must not be there" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(good, rows[i].from, rows[i].to, rows[i].why);
}

static void test_nothing_may_be_missing(void)
{
	refused(good, "\"tokens\":{},", "", "tokens: missing");
	refused(good, "\"iv_tweak\":\"0\",", "", "segments.0.iv_tweak: missing");
	refused(good, ",\"hash\":\"sha256\"}", "}", "keyslots.0.af.hash: missing");
	refused(good, "\"tokens\":{}", "\"tokens\":[]", "tokens: expected an object");
	refused(good, "\"keyslots_size\":\"262144\"", "\"keyslots_size\":1",
		"config.keyslots_size: expected a number as text");
	must_say("{}", ERR_INPUT, "keyslots: missing");
	must_say("[]", ERR_INPUT, "expected an object");
	must_say("", ERR_INPUT, "empty");
}

static void test_the_key_slot_lies_between_header_and_data(void)
{
	static const struct {
		const char *from, *to, *why;
	} rows[] = {
		{ "\"32768\"", "\"32767\"", "area.offset: it is in the header itself" },
		{ "\"32768\"", "\"0\"", "area.offset: it is in the header itself" },
		{ "\"32768\"", "\"16519169\"", "keyslots.0.area: it reaches into the data" },
		{ "\"32768\"", "\"16777217\"", "area.offset: expected a number up to" },
		{ "\"32768\"", "\"18446744073709551616\"", "area.offset: expected a number" },
		{ "\"32768\"", "\"032768\"", "area.offset: expected a number" },
		{ "\"32768\"", "\"-1\"", "area.offset: expected a number" },
		{ "\"32768\"", "\" 32768\"", "area.offset: expected a number" },
		{ "\"258048\"", "\"255999\"", "area.size: smaller than a key" },
		{ "\"258048\"", "\"16777216\"", "keyslots.0.area: it reaches into the data" },
		{ "\"12288\"", "\"12287\"", "config.json_size: not that of the header" },
		{ "\"262144\"", "\"16744449\"", "config.keyslots_size: reaches into the data" },
	};
	struct luks2_layout at;
	auto_free char *last = changed(good, "\"32768\"", "\"16519168\"");
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(good, rows[i].from, rows[i].to, rows[i].why);
	assert(luks2_json_check(last, strlen(last), SIZE, &at, &e) == 0);
	assert(at.area_offset + at.area_size == LUKS2_DATA_OFFSET);
}

/* What readers of JSON differ in must not be left to the one that obeys it. */
static void test_what_can_be_read_in_two_ways_is_refused(void)
{
	refused(good, "\"tokens\":{}", "\"tokens\":{},\"tokens\":{}", "duplicate");
	refused(good, "\"tokens\":{}", "\"tokens\":{} /* */", "");
	refused(good, "\"tokens\":{}", "'tokens':{}", "");
	refused(good, "keyslots_size\":\"262144\"}}", "keyslots_size\":\"262144\"}} x", "");
}

static void test_a_long_one_is_not_read(void)
{
	static char text[LUKS2_JSON_MAX + 2];

	memset(text, ' ', LUKS2_JSON_MAX + 1);
	memcpy(text, good, sizeof(good) - 1);
	must_say(text, ERR_LIMIT, "too large");
}

int main(void)
{
	test_cryptsetups_is_taken();
	test_each_value_is_held_to_its_rule();
	test_nothing_more_may_be_there();
	test_nothing_may_be_missing();
	test_the_key_slot_lies_between_header_and_data();
	test_what_can_be_read_in_two_ways_is_refused();
	test_a_long_one_is_not_read();
	return 0;
}
