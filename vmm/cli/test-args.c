/* SPDX-License-Identifier: Apache-2.0 */
/* Test args: what a command line means, and what is said of one that means nothing. */
#undef NDEBUG
#include "cli/args.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"

enum { WORDS = 12 };

/* @line split at spaces. */
static int read_line(const char *line, struct args *a, struct err *e)
{
	static char text[512];
	static char *argv[WORDS + 1];
	size_t n = 0;
	char *p = text;

	assert(str_copy(text, sizeof(text), line) >= 0);
	for (argv[n++] = p; (p = strchr(p, ' ')); argv[n++] = p) {
		assert(n < WORDS);
		*p++ = 0;
	}
	argv[n] = NULL;
	*a = (struct args){ .command = NULL };
	return args_read(cli_commands, *text ? argv : argv + n, a, e);
}

static void good(const char *line, const char *command, size_t operands)
{
	struct err e = ERR_NONE;
	struct args a;

	if (read_line(line, &a, &e) < 0)
		(void)fprintf(stderr, "%s: %s\n", line, e.text);
	assert(e.code == 0);
	assert(str_equal(a.command ? a.command->name : "", command));
	assert(a.n == operands);
}

static void bad(const char *line, const char *want)
{
	struct err e = ERR_NONE;
	struct args a;

	assert(read_line(line, &a, &e) == ERR_INPUT);
	if (!str_equal(e.text, want))
		(void)fprintf(stderr, "%s: %s\n", line, e.text);
	assert(str_equal(e.text, want));
}

static void test_commands_and_operands(void)
{
	good("", "", 0);
	good("ps", "ps", 0);
	good("up a.yaml b.yaml", "up", 2);
	good("image ls", "image ls", 0);
	good("image check x y", "image check", 2);
	good("--json compose hash x", "compose hash", 1);
	good("logs -- -odd-name", "logs", 1);
	good("help up", "up", 0);
	good("up --help", "up", 0);
}

static void test_options_anywhere(void)
{
	struct args a;

	assert(read_line("-s /a ps -j --quiet", &a, NULL) == 0);
	assert(str_equal(a.options[OPT_SOCKET], "/a"));
	assert(args_has(&a, OPT_JSON) && args_has(&a, OPT_QUIET) && !args_has(&a, OPT_HELP));
	assert(read_line("logs -fn20 --channel=stdout web", &a, NULL) == 0);
	assert(args_has(&a, OPT_FOLLOW) && str_equal(a.options[OPT_LINES], "20"));
	assert(str_equal(a.options[OPT_CHANNEL], "stdout") && str_equal(a.operands[0], "web"));
	assert(read_line("logs web -n 5", &a, NULL) == 0);
	assert(str_equal(a.options[OPT_LINES], "5") && a.n == 1);
	/* one letter, two meanings */
	assert(read_line("rm -f web", &a, NULL) == 0);
	assert(args_has(&a, OPT_FORCE) && !args_has(&a, OPT_FOLLOW));
}

static void test_mistakes_are_told_with_a_remedy(void)
{
	bad("pss", "no command pss; bailey --help lists them");
	bad("image", "image is not a whole command; write one of: image ls, image pull, image rm, "
		     "image check, image measure");
	bad("image frob x",
	    "image is not a whole command; write one of: image ls, image pull, image "
	    "rm, image check, image measure");
	bad("up", "up of what?  write: bailey up FILE...");
	bad("info a b", "too many operands; write: bailey info VM");
	bad("ps -f", "no option -f for ps; see bailey ps --help");
	bad("ps --follow", "no option --follow for ps; see bailey ps --help");
	bad("-f ps", "no option -f; see bailey --help");
	bad("ps --json=1", "--json takes no value");
	bad("logs web --lines", "--lines needs a value: --lines N");
	bad("logs web -n", "--lines needs a value: --lines N");
	bad("--sock /a ps", "no option --sock; see bailey --help");
}

static void test_help_shows_every_command_and_option(void)
{
	auto_buf struct buf all = BUF_MAX(65536);
	const struct command *c;
	enum opt o;

	assert(args_help(cli_commands, NULL, &all) == 0);
	for (c = cli_commands; c->name; c++) {
		auto_buf struct buf one = BUF_MAX(65536);

		assert(strstr((char *)all.p, c->name) && strstr((char *)all.p, c->doc));
		assert(args_help(cli_commands, c, &one) == 0);
		for (o = 0; o < OPT_COUNT; o++)
			assert(!(c->options & OPT_BIT(o)) ||
			       strstr((char *)one.p, opt_specs[o].doc));
	}
}

/* Within a command no letter and no name may mean two things. */
static void test_no_option_is_ambiguous(void)
{
	enum {
		GLOBAL = OPT_BIT(OPT_HOST) | OPT_BIT(OPT_SOCKET) | OPT_BIT(OPT_JSON) |
			 OPT_BIT(OPT_QUIET) | OPT_BIT(OPT_HELP) | OPT_BIT(OPT_VERSION)
	};
	const struct command *c;
	enum opt a, b;

	for (c = cli_commands; c->name; c++) {
		for (a = 0; a < OPT_COUNT; a++) {
			for (b = 0; b < a; b++) {
				if (!((c->options | GLOBAL) & OPT_BIT(a)) ||
				    !((c->options | GLOBAL) & OPT_BIT(b)))
					continue;
				assert(!opt_specs[a].letter ||
				       opt_specs[a].letter != opt_specs[b].letter);
				assert(!str_equal(opt_specs[a].name, opt_specs[b].name));
			}
		}
	}
}

int main(void)
{
	test_commands_and_operands();
	test_options_anywhere();
	test_mistakes_are_told_with_a_remedy();
	test_help_shows_every_command_and_option();
	test_no_option_is_ambiguous();
	return 0;
}
