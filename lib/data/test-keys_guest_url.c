/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/guest_url.h"

#include <assert.h>
#include <errno.h>

#include "base/str.h"

static void is(const char *url, int rc, const char *want)
{
	char dst[64];

	assert(guest_url_on_host(url, dst, sizeof(dst)) == rc && str_equal(dst, want));
}

static void test_the_hosts_name_among_guests_is_its_own(void)
{
	is("https://10.0.2.2:8443", 1, "https://127.0.0.1:8443");
	is("https://10.0.2.2", 1, "https://127.0.0.1");
	is("http://10.0.2.2/a", 1, "http://127.0.0.1/a");
}

static void test_others_stay(void)
{
	is("https://10.0.2.20:8443", 0, "https://10.0.2.20:8443");
	is("https://10.0.2.2.example", 0, "https://10.0.2.2.example");
	is("https://10.0.2.2@example", 0, "https://10.0.2.2@example");
	is("https://kms/10.0.2.2", 0, "https://kms/10.0.2.2");
	is("10.0.2.2", 0, "10.0.2.2");
	is("", 0, "");
}

static void test_what_does_not_fit_is_refused(void)
{
	char dst[8];

	assert(guest_url_on_host("https://10.0.2.2", dst, sizeof(dst)) == -ENAMETOOLONG);
	assert(guest_url_on_host("https://other", dst, sizeof(dst)) == -ENAMETOOLONG);
}

int main(void)
{
	test_the_hosts_name_among_guests_is_its_own();
	test_others_stay();
	test_what_does_not_fit_is_refused();
	return 0;
}
