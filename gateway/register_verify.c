/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register_verify.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "gateway/register_attested.h"
#include "gateway/register.h"
#include "gateway/register_request.h"
#include "loop/tls_front.h"
#include "loop/work.h"

struct verification {
	struct register_server *server;
	struct register_attested *attested;
	struct rpc_call *call;
	Bailey__Gateway__RegisterCvmRequest *m;
	register_verified_fn done;
	void *cert;
	size_t n_cert;
	struct register_asker asker;
	struct err e;
	int rc;
};

static void run(void *arg)
{
	struct verification *v = arg;

	v->rc = register_attested_ask(v->attested, v->cert, v->n_cert, &v->asker, &v->e);
}

static void on_done(void *arg)
{
	struct verification *v = arg;

	v->server->n_verifying--;
	if (v->rc == 0 && v->server->is_stopped)
		v->rc = err_set(&v->e, ERR_LIMIT, "the gateway ends; try again later");
	v->done(v->server, v->call, v->rc ? NULL : &v->asker, v->m, &v->e);
	bailey__gateway__register_cvm_request__free_unpacked(v->m, NULL);
	free(v->cert);
	free(v);
}

/* As the message came from bytes, it goes into bytes and back. */
static Bailey__Gateway__RegisterCvmRequest *copy(const Bailey__Gateway__RegisterCvmRequest *m)
{
	size_t n = bailey__gateway__register_cvm_request__get_packed_size(m);
	auto_free uint8_t *bytes = xcalloc(1, n + 1);

	(void)bailey__gateway__register_cvm_request__pack(m, bytes);
	return bailey__gateway__register_cvm_request__unpack(NULL, n, bytes);
}

void register_verify(struct register_server *s, struct rpc_call *call, const struct tls_peer *p,
		     const Bailey__Gateway__RegisterCvmRequest *m, register_verified_fn done)
{
	Bailey__Gateway__RegisterCvmRequest *own =
		s->n_verifying < REGISTER_VERIFY_MAX ? copy(m) : NULL;
	struct verification *v;
	struct err e = ERR_NONE;

	if (!own) {
		(void)err_set(&e, ERR_LIMIT,
			      "too many attestations are being verified; try again later");
		done(s, call, NULL, m, &e);
		return;
	}
	v = xnew(struct verification);
	*v = (struct verification){ .server = s,
				    .attested = s->attested,
				    .call = call,
				    .m = own,
				    .done = done,
				    .cert = xmemdup(p->cert, p->n_cert),
				    .n_cert = p->n_cert };
	s->n_verifying++;
	/* NOLINTNEXTLINE(readability-suspicious-call-argument): what runs is called run */
	work_start(s->loop, run, on_done, v);
}
