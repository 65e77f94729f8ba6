/* SPDX-License-Identifier: Apache-2.0 */
/* What consoles of guests end with. */
#include "daemon/last_words.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static struct last_words_found find(const char *text)
{
	struct last_words_found f;

	last_words_find(text, strlen(text), &f);
	return f;
}

static void test_a_panic_and_its_reason(void)
{
	struct last_words_found f =
		find("[    3.1] Kernel panic - not syncing: sysrq triggered crash\r\n"
		     "[    3.2] CPU: 0 PID: 1\r\n[    3.3] Rebooting in 1 seconds..\r\n");

	assert(f.what == LAST_WORDS_PANIC && str_equal(f.text, "sysrq triggered crash"));
	f = find("Kernel panic - not syncing: \x1b[31mred\n"); /* nothing that a terminal obeys */
	assert(f.what == LAST_WORDS_PANIC && str_equal(f.text, ""));
	f = find(
		"Kernel panic - not syncing: a\r\n---[ end Kernel panic - not syncing: a ]---\r\n");
	assert(f.what == LAST_WORDS_PANIC && str_equal(f.text, "a")); /* one that halts */
	f = find("Kernel panic - not syncing:  ]---");
	assert(f.what == LAST_WORDS_PANIC && str_equal(f.text, ""));
	f = find("Kernel panic - not syncing: VFS\nreboot: machine restart\n");
	assert(f.what == LAST_WORDS_PANIC && str_equal(f.text, "VFS"));
}

static void test_good_ends(void)
{
	assert(find("[ 9.0] reboot: Restarting system\r\n").what == LAST_WORDS_REBOOT);
	assert(find("[ 9.0] reboot: machine restart\r\n").what == LAST_WORDS_REBOOT);
	assert(find("[ 9.0] reboot: Power down\r\n").what == LAST_WORDS_POWER_OFF);
	assert(find("").what == LAST_WORDS_NONE);
	assert(find("all is well\n").what == LAST_WORDS_NONE);
}

static void test_the_last_counts(void)
{
	assert(find("reboot: Power down\nreboot: Restarting system\n").what == LAST_WORDS_REBOOT);
	assert(find("reboot: Restarting system\nreboot: Power down\n").what ==
	       LAST_WORDS_POWER_OFF);
	/* not that of the boot before */
	assert(find("Kernel panic - not syncing: x\n\n===== boot @ 2026 =====\nhello\n").what ==
	       LAST_WORDS_NONE);
}

static void test_a_long_reason_is_cut(void)
{
	char text[400] = "Kernel panic - not syncing: ";
	struct last_words_found f;

	memset(text + strlen(text), 'x', 300);
	last_words_find(text, sizeof(text), &f);
	assert(f.what == LAST_WORDS_PANIC && strlen(f.text) == sizeof(f.text) - 1);
}

int main(void)
{
	test_a_panic_and_its_reason();
	test_good_ends();
	test_the_last_counts();
	test_a_long_reason_is_cut();
	return 0;
}
