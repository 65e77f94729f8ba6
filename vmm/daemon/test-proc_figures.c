/* SPDX-License-Identifier: Apache-2.0 */
/* Test proc_figures: fields are counted from behind the name, whatever that holds. */
#undef NDEBUG
#include "daemon/proc_figures.h"

#include <assert.h>
#include <unistd.h>

#define HEAD "7 (qemu) x) S 1 2 3 4 5 6 7 8 9 10 "
#define TAIL " 0 0 20 0 3 0 99 1000000 "

static void test_time_and_memory(void)
{
	struct proc_figures f;

	assert(proc_figures_parse(HEAD "250 50" TAIL "12 18446744073709551615\n", 100, 4096, &f));
	assert(f.cpu_ms == 3000 && f.memory_bytes == 12 * 4096);
}

static void test_what_is_no_stat_is_refused(void)
{
	static const char *const texts[] = { "",
					     "7",
					     "7 (x)",
					     "7 (x) S 1",
					     ")",
					     HEAD "250 -5" TAIL "12",
					     HEAD "250 50",
					     HEAD "x 50" TAIL "12",
					     HEAD "18446744073709551615 1" TAIL "12",
					     HEAD "250 50" TAIL "18446744073709551615" };
	struct proc_figures f = { 1, 2 };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert(!proc_figures_parse(texts[i], 100, 4096, &f));
	assert(f.cpu_ms == 1 && f.memory_bytes == 2);
	assert(!proc_figures_parse(HEAD "250 50" TAIL "12", 0, 4096, &f));
}

static void test_our_own(void)
{
	struct proc_figures f;

	assert(proc_figures_read(getpid(), &f) && f.memory_bytes > 0);
	assert(!proc_figures_read(0, &f) && !proc_figures_read(-1, &f));
	assert(proc_figures_start(getpid()) > 0 && proc_figures_start(0) == 0);
}

int main(void)
{
	test_time_and_memory();
	test_what_is_no_stat_is_refused();
	test_our_own();
	return 0;
}
