/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "vsockdev/host_socket.h"

const char options_usage[] =
	"usage: bailey-vsock --cid N --vhost-user PATH --uds PATH [options]\n"
	"\n"
	"A virtio socket device for one VM, for QEMU's vhost-user-vsock-pci.\n"
	"\n"
	"  --cid N            the guest's context id, 3 to 4294967294\n"
	"  --vhost-user PATH  listen here for QEMU; ends when QEMU goes away\n"
	"  --uds PATH         listen here for host programs: they write \"CONNECT <port>\\n\"\n"
	"                     and read \"OK <port>\\n\"; a guest that connects to host port N\n"
	"                     reaches the socket PATH_N\n"
	"  --pid-file PATH    write the process id here and keep the file locked\n"
	"  --user NAME        when started as root, become this user\n"
	"  --qemu-user NAME   when started as root, let this user connect to --vhost-user\n"
	"  --log-fd FD        write log lines to this descriptor, not to standard error\n"
	"  --console PATH     free the front of this file, to which QEMU appends, when it is\n"
	"                     larger than --console-max and nobody else makes it smaller\n"
	"  --console-max N    bytes; the last 1/16 of them is kept\n"
	"  --verbose          log what happens to rings, too\n"
	"  --help, --version\n";

enum {
	OPT_CID = 1,
	OPT_VHOST_USER,
	OPT_UDS,
	OPT_PID_FILE,
	OPT_USER,
	OPT_QEMU_USER,
	OPT_LOG_FD,
	OPT_CONSOLE,
	OPT_CONSOLE_MAX,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option table[] = {
	{ "cid", required_argument, NULL, OPT_CID },
	{ "vhost-user", required_argument, NULL, OPT_VHOST_USER },
	{ "uds", required_argument, NULL, OPT_UDS },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "user", required_argument, NULL, OPT_USER },
	{ "qemu-user", required_argument, NULL, OPT_QEMU_USER },
	{ "log-fd", required_argument, NULL, OPT_LOG_FD },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "console-max", required_argument, NULL, OPT_CONSOLE_MAX },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int take(struct options *o, int opt, struct err *e)
{
	uint32_t n = 0;

	switch (opt) {
	case OPT_CID:
		if (num_parse_u64(optarg, OPTIONS_CID_FIRST, UINT32_MAX - 1, &o->cid) < 0)
			return err_set(e, ERR_INPUT,
				       "--cid '%s' is not a number from 3 to 4294967294", optarg);
		return 0;
	case OPT_VHOST_USER:
		o->vhost_user = optarg;
		return 0;
	case OPT_UDS:
		o->uds = optarg;
		return 0;
	case OPT_PID_FILE:
		o->pid_file = optarg;
		return 0;
	case OPT_USER:
		o->user = optarg;
		return 0;
	case OPT_QEMU_USER:
		o->qemu_user = optarg;
		return 0;
	case OPT_LOG_FD:
		if (num_parse_u32(optarg, 1, 1023, &n) < 0)
			return err_set(e, ERR_INPUT, "--log-fd '%s' is not a descriptor", optarg);
		o->log_fd = (int)n;
		return 0;
	case OPT_CONSOLE:
		o->console = optarg;
		return 0;
	case OPT_CONSOLE_MAX:
		if (num_parse_u64(optarg, OPTIONS_CONSOLE_LEAST, OPTIONS_CONSOLE_MOST,
				  &o->console_max) < 0)
			return err_set(e, ERR_INPUT,
				       "--console-max '%s' is not from 64 KiB to 1 TiB", optarg);
		return 0;
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	default:
		return err_set(e, ERR_INPUT,
			       "an option is unknown, or lacks its value: see --help");
	}
}

static int check(const struct options *o, struct err *e)
{
	if (o->cid == 0)
		return err_set(e, ERR_INPUT, "--cid is missing: see --help");
	if (!o->vhost_user)
		return err_set(e, ERR_INPUT, "--vhost-user is missing: see --help");
	if (!o->uds)
		return err_set(e, ERR_INPUT, "--uds is missing: see --help");
	if (!o->console != !o->console_max)
		return err_set(e, ERR_INPUT, "--console and --console-max belong together");
	if (strlen(o->uds) >= HOST_SOCKET_PATH_MAX) {
		return err_set(e, ERR_INPUT,
			       "--uds '%s' is longer than %d bytes, so ports do not fit behind it: "
			       "use a shorter folder",
			       o->uds, HOST_SOCKET_PATH_MAX - 1);
	}
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct err *e)
{
	struct options o = { .log_fd = -1 };
	int opt, rc;

	optind = 0; /* start over: tests parse more than once */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		rc = take(&o, opt, e);
		if (rc < 0)
			return rc;
	}
	if (!o.help && !o.version) {
		if (optind < argc)
			return err_set(e, ERR_INPUT, "'%s' is not an option: see --help",
				       argv[optind]);
		rc = check(&o, e);
		if (rc < 0)
			return rc;
	}
	*ret = o;
	return 0;
}
