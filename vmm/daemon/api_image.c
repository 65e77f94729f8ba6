/* SPDX-License-Identifier: Apache-2.0 */
/* api_image: the calls that change which images there are */
#include "daemon/api_service.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/vm.h"
#include "loop/work.h"
#include "proto/common.pb-c.h"
#include "store/image_store.h"

/* An image that is gone from the list and has files left. */
struct deletion {
	struct rpc_call *call;
	struct daemon *d;
	char name[IMAGE_NAME_MAX + 1], aside[IMAGE_STORE_ASIDE_SIZE];
	int rc;
	struct err err;
};

/* Running, stopped or being made: each needs it for its next start. */
static const struct vm *user_of(const struct daemon *d, const char *image)
{
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (str_equal(vm->manifest.image, image))
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
