/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/facts.h"
#include "data/json.h"
#include "domain/hypervisor.h"
#include "store/rmtree.h"

struct probing {
	const struct config *config;
	struct hypervisor *hypervisor;
	json_t *facts;
};

static void stopped(void *arg)
{
	struct probing *p = arg;

	p->hypervisor = NULL;
}

static void opened(void *arg, const struct hypervisor_result *r)
{
	struct probing *p = arg;

	if (r->rc == 0)
		p->facts = facts(p->config, hypervisor_caps(p->hypervisor));
	else if ((p->facts = facts(p->config, NULL)))
		(void)json_object_set_new(p->facts, "error", json_text(r->err.text));
	hypervisor_stop(p->hypervisor, stopped, p);
}

static int ask(struct probing *p, const char *root, struct err *e)
{
	const struct config *c = p->config;
	const struct hypervisor_options o = {
		.uri = c->libvirt_uri,
		.root = root,
		.user = c->qemu_user,
		.emulator = c->qemu_path,
		.no_kvm = c->accel == CONFIG_ACCEL_TCG,
	};
	uv_loop_t loop;
	int rc;

	if (uv_loop_init(&loop) < 0)
		return err_set(e, -ENOMEM, "no event loop");
	rc = hypervisor_start(&p->hypervisor, &loop, &o, opened, p, e);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return rc;
}

int probe(const struct config *c)
{
	char root[] = "/tmp/baileyd-probe-XXXXXX";
	struct probing p = { .config = c };
	struct err e = ERR_NONE;
	int rc;

	/* QEMU, which libvirt asks what it can do, runs as a user of its own and must get in */
	if (!mkdtemp(root) || chmod(root, 0711) < 0)
		rc = err_errno(&e, errno, "cannot make a folder in /tmp");
	else
		rc = ask(&p, root, &e);
	if (!p.facts)
		p.facts = facts(c, NULL);
	if (rc < 0)
		(void)json_object_set_new(p.facts, "error", json_text(e.text));
	(void)rmtree(AT_FDCWD, root, NULL, NULL);
	{
		auto_free char *text = json_compact(p.facts);

		rc = puts(text) < 0 || fflush(stdout) != 0;
	}
	json_decref(p.facts);
	return rc;
}
