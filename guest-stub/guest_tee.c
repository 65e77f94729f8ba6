/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/guest_tee.h"

#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "guest-stub/share.h"

#define SIMULATOR_IN_TD                                                                            \
	"the host hands a simulator (" SHARE_TEE_SIMULATOR ") to a guest that has Intel TDX"

static int init_simulated(struct guest_tee *t, int log, const struct buf *b, struct err *e)
{
	int r = simulated_init(&t->simulated, log, b->p, b->n, e);

	if (r < 0)
		return r;
	t->tee = simulated_tee(&t->simulated);
	return simulated_boot_log(&t->simulated, &t->boot, e);
}

/* Without a log of the boot quotes are worth less to who reads them, but the guest is what it is. */
static int init_tdx(struct guest_tee *t, struct err *e)
{
	struct err why = ERR_NONE;
	int r = tdx_init(&t->tdx, e);

	if (r < 0)
		return r;
	t->tee = tdx_tee(&t->tdx);
	if (boot_log_of_machine(&t->boot, &why) < 0)
		log_warn("tee: no log of the boot: %s", why.text);
	return 0;
}

int guest_tee_init(struct guest_tee *t, int share, int log, struct err *e)
{
	auto_buf struct buf b = { 0 };
	int r = file_read(share, SHARE_TEE_SIMULATOR, SHARE_TEE_SIMULATOR_MAX, &b, e);

	*t = (struct guest_tee){ .registers.dirfd = log };
	t->tee = registers_tee(&t->registers);
	if (r < 0 && r != -ENOENT)
		return r;
	if (tdx_is_present())
		return r == 0 ? err_set(e, ERR_PROTO, SIMULATOR_IN_TD) : init_tdx(t, e);
	return r == 0 ? init_simulated(t, log, &b, e) : 0;
}

void guest_tee_deinit(struct guest_tee *t)
{
	boot_log_deinit(&t->boot);
	simulated_deinit(&t->simulated);
}

int guest_tee_boot(struct guest_tee *t, struct err *e)
{
	return t->tee.kind == TEE_SIMULATED ? simulated_boot(&t->simulated, &t->boot, e) : 0;
}

const char *guest_tee_platform(const struct guest_tee *t)
{
	return t->tee.kind == TEE_NONE ? "" : "dstack-tdx";
}
