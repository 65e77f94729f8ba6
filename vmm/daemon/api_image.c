/* SPDX-License-Identifier: Apache-2.0 */
/* api_image: the calls that change which images there are */
#include "daemon/api_service.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/config.h"
#include "daemon/fleet.h"
#include "daemon/pulls.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "loop/work.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"
#include "store/image.h"
#include "store/image_store.h"
#include "store/registry.h"

/* An image that is gone from the list and has files left. */
struct deletion {
	struct rpc_call *call;
	struct daemon *d;
	char name[IMAGE_NAME_MAX + 1], aside[IMAGE_STORE_ASIDE_SIZE];
	int rc;
	struct err err;
};

/* Running, stopped, being made, or about to have it by an update: each needs it for its next start. */
static const struct vm *user_of(const struct daemon *d, const char *image)
{
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (str_equal(vm->manifest.image, image) ||
		    (vm->staged && str_equal(vm->staged->image, image)))
			return vm;
	}
	return NULL;
}

static void delete_run(void *arg)
{
	struct deletion *x = arg;

	x->rc = image_store_delete(x->d->image_dir, x->aside, &x->err);
}

static void delete_done(void *arg)
{
	static const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	struct deletion *x = arg;
	struct daemon *d = x->d;

	if (x->rc) {
		(void)err_wrap(&x->err, x->rc, "image '%s' is gone, but its files are not",
			       x->name);
		log_error("image '%s': gone, but its files are not: %s; tried again at the next "
			  "start",
			  x->name, x->err.text);
		rpc_fail(x->call, &x->err);
	} else {
		log_info("image '%s': deleted", x->name);
		rpc_reply(x->call, &empty.base);
	}
	free(x);
	d->n_busy--;
	daemon_idle(d);
}

static int hide(const struct daemon *d, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		struct err *e)
{
	const struct vm *vm = image_name_is_valid(name) ? user_of(d, name) : NULL;

	if (d->is_stopping)
		return err_set(e, ERR_BAD_STATE, "the daemon is ending");
	if (vm) {
		return err_set(e, ERR_CONFLICT, "cannot delete image '%s': in use by VM '%s'", name,
			       *vm->manifest.name ? vm->manifest.name : vm->manifest.id);
	}
	return image_store_hide(d->image_dir, name, ret, e);
}

/* Nothing comes between looking for users and the rename: both happen here, on the loop. */
void api_delete_image(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const char *name = ((const Bailey__Id *)in)->id;
	char aside[IMAGE_STORE_ASIDE_SIZE];
	struct daemon *d = ctx;
	struct err e = ERR_NONE;
	struct deletion *x;

	if (hide(d, name, aside, &e)) {
		rpc_fail(call, &e);
		return;
	}
	x = xnew(struct deletion);
	x->call = call;
	x->d = d;
	(void)str_copy(x->name, sizeof(x->name), name);
	(void)str_copy(x->aside, sizeof(x->aside), aside);
	d->n_busy++;
	work_start(d->loop, delete_run, delete_done, x);
}

/* ---- the registry ---- */

static bool is_local(const struct daemon *d, const char *image)
{
	auto_free char *path = xasprintf("%s/%s/metadata.json", d->image_dir, image);

	return access(path, F_OK) == 0;
}

static Bailey__Vmm__RegistryImageInfo *info_of(const struct daemon *d, const char *tag,
					       struct scratch *s)
{
	Bailey__Vmm__RegistryImageInfo *r = scratch_new(s, Bailey__Vmm__RegistryImageInfo);
	const struct pull *p = pulls_find(d, tag);
	char image[IMAGE_NAME_MAX + 1];

	bailey__vmm__registry_image_info__init(r);
	registry_image_name(tag, image);
	r->tag = scratch_str(s, tag);
	r->image = scratch_str(s, image);
	r->local = is_local(d, image);
	if (p) {
		r->pulling = p->is_running;
		r->error = scratch_str(s, p->is_running ? "" : p->err.text);
		r->bytes = atomic_load(&p->work.bytes);
	}
	return r;
}

static bool has_tag(char *const *tags, size_t n, const char *tag)
{
	size_t i;

	for (i = 0; i < n && !str_equal(tags[i], tag);)
		i++;
	return i < n;
}

/* What the registry has, and beside it what was asked for and is not there: its error is to be seen. */
static void reply_images(struct rpc_call *call, const struct daemon *d, char *const *tags, size_t n)
{
	Bailey__Vmm__RegistryImageListResponse out =
		BAILEY__VMM__REGISTRY_IMAGE_LIST_RESPONSE__INIT;
	auto_scratch struct scratch s = SCRATCH_NULL;
	const struct pull *p;
	size_t i;

	out.images = scratch_list(&s, n + d->pulls.n);
	for (i = 0; i < n; i++)
		out.images[out.n_images++] = info_of(d, tags[i], &s);
	for (p = d->pulls.first; p; p = p->next) {
		if (!has_tag(tags, n, p->tag))
			out.images[out.n_images++] = info_of(d, p->tag, &s);
	}
	rpc_reply(call, &out.base);
}

struct registry_call {
	struct rpc_call *call;
	struct daemon *d;
};

static void tags_listed(void *arg, char *const *tags, size_t n, const struct err *e)
{
	struct registry_call *r = arg;
	struct err why = e ? *e : ERR_NONE;

	if (e) {
		(void)err_wrap(&why, why.code, "failed to list registry tags");
		rpc_fail(r->call, &why);
	} else {
		reply_images(r->call, r->d, tags, n);
	}
	free(r);
}

void api_list_registry_images(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct daemon *d = ctx;
	struct err e = ERR_NONE;
	struct registry_call *r;

	(void)in;
	if (!d->config->registry) {
		reply_images(call, d, NULL, 0);
		return;
	}
	r = xnew(struct registry_call);
	r->call = call;
	r->d = d;
	if (d->is_stopping)
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	else if (pulls_list(d, tags_listed, r, &e) == 0)
		return;
	free(r);
	rpc_fail(call, &e);
}

/* Ours: how far the pulls are, without asking the registry. */
void api_list_pulls(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)in;
	reply_images(call, ctx, NULL, 0);
}

void api_pull_registry_image(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	const Bailey__Vmm__PullRegistryImageRequest *q =
		(const Bailey__Vmm__PullRegistryImageRequest *)in;
	struct daemon *d = ctx;
	struct err e = ERR_NONE;

	if (d->is_stopping)
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	else if (pulls_begin(d, q->tag, &e) == 0)
		rpc_reply(call, &empty.base);
	if (e.code)
		rpc_fail(call, &e);
}
