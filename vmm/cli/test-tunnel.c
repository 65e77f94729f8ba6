/* SPDX-License-Identifier: Apache-2.0 */
/* Test tunnel: the argument list of ssh, word by word. */
#undef NDEBUG
#include "cli/tunnel.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/host.h"

static void golden(const char *host, const char *want)
{
	struct tunnel_args a;
	auto_buf struct buf line = BUF_MAX(2048);
	struct host h;
	size_t i;

	assert(host_parse(host, &h, NULL) == 0);
	tunnel_argv(&h, "/run/user/7/bailey-ssh-x/s", &a);
	for (i = 0; a.argv[i]; i++) {
		assert(buf_addf(&line, "%s%s", i ? " " : "", a.argv[i]) == 0);
	}
	assert(i < TUNNEL_ARGS_MAX);
	assert(str_equal((const char *)line.p, want));
}

#define FIXED                                                                                      \
	"ssh -N -T -a -x -oExitOnForwardFailure=yes -oControlMaster=no -oControlPath=none "        \
	"-oPermitLocalCommand=no -oRemoteCommand=none -oStreamLocalBindMask=0177 "                 \
	"-oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=4 "                    \
	"-L /run/user/7/bailey-ssh-x/s:"

int main(void)
{
	golden("ssh://h", FIXED "/run/bailey/baileyd.sock -- h");
	golden("ssh://me@h.example:2222/x.sock", FIXED "/x.sock -p 2222 -l me -- h.example");
	golden("ssh://[::1]/x", FIXED "/x -- ::1");
	return 0;
}
