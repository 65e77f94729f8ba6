/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/job.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "kms/kms.h"
#include "loop/tls_front.h"
#include "loop/work.h"
#include "rpc/rpc.h"

enum { OPEN_SHARE = 4 };

static void write_from(const struct tls_peer *p, char *ret)
{
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned int port = 0;

	if (p->from.ss_family == AF_INET) {
		const struct sockaddr_in *a = (const void *)&p->from;

		(void)inet_ntop(AF_INET, &a->sin_addr, text, sizeof(text));
		port = ntohs(a->sin_port);
	} else if (p->from.ss_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const void *)&p->from;

		(void)inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof(text));
		port = ntohs(a->sin6_port);
	}
	(void)str_format(ret, JOB_FROM_SIZE, "%s port %u", text, port);
}

/* Those who prove nothing must leave room for those who do. */
static bool is_full(const struct jobs *jobs, const struct job_kind *kind)
{
	return jobs->n >= jobs->max ||
	       (!kind->is_attested && jobs->n_open > jobs->max / OPEN_SHARE);
}

struct job *job_new(struct jobs *jobs, const struct job_kind *kind, struct rpc_call *call,
		    const struct tls_peer *peer)
{
	struct err e = ERR_NONE;
	struct job *j;

	if (is_full(jobs, kind)) {
		(void)err_set(&e, ERR_LIMIT, "too many requests at once; try again");
		rpc_fail(call, &e);
		return NULL;
	}
	j = xnew(struct job);
	j->kind = kind;
	j->jobs = jobs;
	j->call = call;
	j->cert = BUF_MAX(peer->n_cert);
	if (buf_add(&j->cert, peer->cert, peer->n_cert) < 0)
		abort(); /* out of memory */
	write_from(peer, j->from);
	jobs->n++;
	jobs->n_open += !kind->is_attested;
	return j;
}

static void job_free(struct job *j)
{
	size_t i;

	for (i = 0; i < CERTS_CHAIN; i++)
		free(j->chain[i]);
	buf_deinit(&j->cert);
	buf_deinit(&j->csr);
	buf_deinit(&j->signature);
	free(j->vm_config);
	secret_wipe(j, sizeof(*j));
	free(j);
}

static void run(void *arg)
{
	struct job *j = arg;

	j->rc = j->kind->run(j, &j->e);
}

static void done(void *arg)
{
	struct job *j = arg;
	struct kms *k = j->jobs->kms;

	j->jobs->n--;
	j->jobs->n_open -= !j->kind->is_attested;
	if (j->kind->is_attested) {
		k->n_attested++;
		k->n_failed += j->rc < 0;
	}
	if (j->rc < 0) {
		log_info("kms: %s of %s: %s", j->kind->name, j->from, j->e.text);
		rpc_fail(j->call, &j->e);
	} else {
		j->kind->reply(j);
	}
	job_free(j);
}

void job_start(struct job *j)
{
	work_start(j->jobs->loop, run, done, j);
}
