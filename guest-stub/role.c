/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/role.h"

#include "base/str.h"

const char role_help[] =
	"usage: bailey-guest            as PID 1: boot the guest\n"
	"       bailey-guest agent      serve the guest API (started by PID 1)\n"
	"       bailey-guest agent DIR  serve it on sockets in DIR, for trying out\n"
	"       bailey-guest notifier   send notices to the host (started by PID 1)\n"
	"       bailey-guest request-keys      get the app's keys (started by PID 1)\n"
	"       bailey-guest request-keys DIR  out of files in DIR, to descriptor 3, for trying "
	"out\n"
	"       bailey-guest gateway    register the app with a gateway (started by PID 1)\n"
	"       bailey-guest --version | --help\n"
	"\n"
	"Init and agent of a Bailey guest.  It does nothing outside of one.\n";

enum role role_of(pid_t pid, int argc, char *const *argv)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		{ "agent", ROLE_AGENT },       { "notifier", ROLE_NOTIFIER },
		{ "request-keys", ROLE_KEYS }, { "gateway", ROLE_GATEWAY },
		{ "--version", ROLE_VERSION }, { "--help", ROLE_HELP },
		{ "-h", ROLE_HELP },
	};
	size_t i;

	/* The kernel hands PID 1 words of its command line that it does not know: they mean nothing. */
	if (pid == 1)
		return ROLE_INIT;
	if (argc == 3 && str_equal(argv[1], "agent"))
		return ROLE_AGENT;
	if (argc == 3 && str_equal(argv[1], "request-keys"))
		return ROLE_KEYS;
	for (i = 0; argc == 2 && i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal(argv[1], words[i].word))
			return words[i].role;
	}
	return ROLE_UNKNOWN;
}
