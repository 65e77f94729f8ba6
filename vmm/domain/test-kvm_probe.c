/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/kvm_probe.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

static void test_what_is_not_kvm_is_named(void)
{
	char why[160];

	assert(!kvm_probe_device("/nonexistent", 1000, why, sizeof(why)));
	assert(strstr(why, "cannot be opened"));
	assert(!kvm_probe_device("/dev/null", 1000, why, sizeof(why)));
	assert(strstr(why, "makes no VM"));
}

/* A lease on a file makes whoever opens it for writing wait: here up to 45 s, in the kernel, as a bad KVM does. */
static void test_a_hang_ends_with_the_deadline(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	char path[] = "/tmp/test-kvm_probe-XXXXXX", why[160];
	int made = mkstemp(path), fd;
	uint64_t before;

	assert(made >= 0 && close(made) == 0);
	assert(sigaction(SIGIO, &ignore, NULL) == 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert(fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	before = time_mono_ms();
	assert(!kvm_probe_device(path, 200, why, sizeof(why)));
	assert(time_mono_ms() - before < 20 * 1000);
	assert(strcmp(why, "a guest did not halt within 200 ms") == 0);
	assert(close(fd) == 0 && unlink(path) == 0);
}

static void test_the_host_has_an_answer_with_a_reason(void)
{
	char why[160] = "";
	bool works = kvm_probe(why, sizeof(why));

	assert(works == (strcmp(why, "a guest ran") == 0));
	(void)printf("this host: %s\n", why);
}

int main(void)
{
	test_what_is_not_kvm_is_named();
	test_a_hang_ends_with_the_deadline();
	test_the_host_has_an_answer_with_a_reason();
	return 0;
}
