/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-semver: input is a requirement; what one takes, "requirement, requirement" takes alike */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "guest-stub/semver.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_free char *once = strndup((const char *)p, n), *twice = NULL;
	bool a, b;

	if (!once || strlen(once) > SEMVER_TEXT_MAX / 3 || strchr(once, ','))
		return 0;
	twice = xasprintf("%s,%s", once, once);
	if (semver_meets("1.2.3", once, &a, NULL) < 0) {
		assert(semver_meets("1.2.3", twice, &b, NULL) < 0);
		return 0;
	}
	assert(semver_meets("1.2.3", twice, &b, NULL) == 0 && a == b);
	return 0;
}
