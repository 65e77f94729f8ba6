/* SPDX-License-Identifier: Apache-2.0 */
/* test-semver: requirements as Cargo's documentation explains them */
#include "guest-stub/semver.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct example {
	const char *version, *requirement;
	bool does;
};

static const struct example examples[] = {
	{ "1.2.3", "*", true },
	{ "1.2.3", "1.2.3", true },
	{ "1.9.0", "1.2.3", true },
	{ "2.0.0", "1.2.3", false },
	{ "1.2.2", "1.2.3", false },
	{ "0.2.9", "^0.2.3", true },
	{ "0.3.0", "^0.2.3", false },
	{ "0.0.3", "^0.0.3", true },
	{ "0.0.4", "^0.0.3", false },
	{ "0.0.9", "0.0", true },
	{ "0.1.0", "0.0", false },
	{ "0.9.9", "0", true },
	{ "1.0.0", "0", false },
	{ "1.5.0", "1", true },
	{ "1.5.0", "1.4", true },
	{ "1.3.9", "1.4", false },
	{ "1.2.9", "~1.2.3", true },
	{ "1.3.0", "~1.2.3", false },
	{ "1.2.0", "~1.2", true },
	{ "1.9.0", "~1", true },
	{ "2.0.0", "~1", false },
	{ "1.2.3", "=1.2.3", true },
	{ "1.2.4", "=1.2.3", false },
	{ "1.2.4", "=1.2", true },
	{ "1.2.4", "1.2.*", true },
	{ "1.3.4", "1.2.*", false },
	{ "1.3.4", "1.*", true },
	{ "1.3.4", "1.x.X", true },
	{ "1.3.0", ">1.2", true },
	{ "1.2.9", ">1.2", false },
	{ "1.2.0", ">=1.2", true },
	{ "1.2.9", "<=1.2", true },
	{ "1.3.0", "<=1.2", false },
	{ "1.1.9", "<1.2", true },
	{ "1.2.0", "<1.2", false },
	{ "0.6.0", ">=0.5.0, <1", true },
	{ "1.0.0", ">= 0.5.0 , < 1", false },
	{ "1.2.3+b", "=1.2.3", true },
	{ "1.2.3-alpha", "1.2.3-alpha", true },
	{ "1.2.3-beta", ">=1.2.3-alpha", true },
	{ "1.2.4-alpha", ">=1.2.3-alpha", false },
	{ "1.2.3-alpha", "*", false },
	{ "1.2.3-alpha", "<1.2.3", false },
	{ "1.2.3-2", ">1.2.3-10", false },
	{ "1.2.3-10", ">1.2.3-2", true },
	{ "1.2.3-a.1", ">1.2.3-a", true },
	{ "1.2.3-a", ">1.2.3-1", true },
};

static void test_examples(void)
{
	struct err e = ERR_NONE;
	bool does;
	size_t i;

	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		if (semver_meets(examples[i].version, examples[i].requirement, &does, &e) < 0 ||
		    does != examples[i].does) {
			printf("%s against %s\n", examples[i].version, examples[i].requirement);
			assert(false);
		}
	}
}

static void test_what_is_neither(void)
{
	static const char *const versions[] = {
		"",	 "1",	   "1.2",      "1.2.3.4", "01.2.3",
		"1.2.*", "1.2.3-", "1.2.3-01", "v1.2.3",  "1.2.3 "
	};
	static const char *const requirements[] = {
		"",   ",",   "1,",   "1,,2",   ">",  "1.2.3.4", "x.1",
		"=*", "1 2", ">> 1", "1.2.3-", "01", "1..2",	"18446744073709551616",
	};
	struct err e;
	bool does;
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		e = ERR_NONE;
		assert(semver_meets(versions[i], "*", &does, &e) == ERR_INPUT);
	}
	for (i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
		e = ERR_NONE;
		assert(semver_meets("1.2.3", requirements[i], &does, &e) == ERR_INPUT);
	}
}

int main(void)
{
	test_examples();
	test_what_is_neither();
	return 0;
}
