/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/simulated.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "data/tee_simulator.h"
#include "simulator/simulator.h"
#include "tee/boot_log.h"

#define NO_SEED                                                                                    \
	"the host gave no seed for simulated quotes (tee_simulator.seed in baileyd.yaml): there "  \
	"are none"

int simulated_init(struct simulated *s, int dirfd, const void *p, size_t n, struct err *e)
{
	int r;

	*s = (struct simulated){ .registers.dirfd = dirfd };
	r = tee_simulator_parse(p, n, &s->config, e);
	if (r < 0)
		return r;
	s->software = registers_tee(&s->registers);
	if (s->config->has_seed)
		s->simulator = simulator_new(s->config->seed);
	return 0;
}

void simulated_deinit(struct simulated *s)
{
	tee_simulator_free(s->config);
	simulator_free(s->simulator);
	*s = (struct simulated){ .config = NULL };
}

static int extend(void *ctx, unsigned int index, const struct digest384 *d, struct err *e)
{
	const struct simulated *s = ctx;

	return tee_extend(&s->software, index, d, e);
}

static int read_one(void *ctx, unsigned int index, struct digest384 *ret, struct err *e)
{
	const struct simulated *s = ctx;

	return tee_read(&s->software, index, ret, e);
}

static int td(void *ctx, struct tee_td *ret, struct err *e)
{
	const struct simulated *s = ctx;
	unsigned int i;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->mrtd.b, s->config->mrtd, sizeof(ret->mrtd.b));
	memcpy(ret->mr_config_id.b, s->config->mr_config_id, sizeof(ret->mr_config_id.b));
	for (i = 0; r == 0 && i < TEE_RTMR_COUNT; i++)
		r = read_one(ctx, i, &ret->rtmr[i], e);
	return r;
}

static int quote(void *ctx, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	const struct simulated *s = ctx;
	struct simulator_td to;
	struct tee_td now;
	int r;

	if (!s->simulator)
		return err_set(e, ERR_MISSING, NO_SEED);
	r = td(ctx, &now, e);
	if (r < 0)
		return r;
	simulator_td_init(&to);
	to.mr_td = now.mrtd;
	to.mr_config_id = now.mr_config_id;
	memcpy(to.rtmr, now.rtmr, sizeof(to.rtmr));
	memcpy(to.report_data, report_data, sizeof(to.report_data));
	r = simulator_quote(s->simulator, &to, ret);
	return r < 0 ? err_set(e, r, "the simulator makes no quote: %s", err_name(r)) : 0;
}

struct tee simulated_tee(struct simulated *s)
{
	static const struct tee_ops ops = {
		.extend = extend, .read = read_one, .td = td, .quote = quote
	};

	return (struct tee){ .kind = TEE_SIMULATED, .ops = &ops, .ctx = s };
}

int simulated_boot_log(const struct simulated *s, struct boot_log *ret, struct err *e)
{
	const struct tee_simulator_event *from;
	struct boot_log log = { 0 };
	struct boot_log_event to;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < s->config->n_events; i++) {
		from = &s->config->events[i];
		to = (struct boot_log_event){ .imr = from->imr,
					      .type = from->type,
					      .name = mem_unconst(from->name) /* it is copied */ };
		memcpy(to.digest.b, from->digest, sizeof(to.digest.b));
		if (to.imr == 0 && to.type == BOOT_LOG_ACPI_TYPE) {
			to.data = mem_unconst(BOOT_LOG_ACPI_DATA); /* likewise */
			to.n_data = strlen(BOOT_LOG_ACPI_DATA);
		}
		r = boot_log_add(&log, &to, e);
	}
	if (r < 0) {
		boot_log_deinit(&log);
		return r;
	}
	*ret = log;
	return 0;
}

int simulated_boot(struct simulated *s, const struct boot_log *log, struct err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < log->n; i++)
		r = tee_extend(&s->software, log->events[i].imr, &log->events[i].digest, e);
	return r;
}
