/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_texts: the files of a VM's shared folder that the API shows, read once
 *
 * A listing of a thousand VMs shows three files of each; reading them anew was most of its time.
 *
 * Owns     copies of small ones, as long as the folder is as it was: files in it are replaced by
 *	    rename, which the folder's time of change tells.  Who edits one in place, or moves the
 *	    folder away, is seen when the VM starts or the daemon does.
 *	    Beside them the configuration as the API answers it, encoded; made by vm_info, dropped with
 *	    the texts and when the manifest changes.
 * Limits   VM_TEXTS_KEPT bytes a VM, and at most some eight times as much encoded; what is larger is read each
 *	    time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"

struct scratch;
struct vm;

enum { VM_TEXTS_KEPT = 16 * 1024 };

struct vm_texts {
	char *compose, *user_config; /* "" if not there, or not text */
	uint8_t *env;
	size_t n_env;
};

struct vm_texts_kept {
	struct vm_texts texts;
	int folder;		 /* the folder; -1: not open.  Asking it is cheaper than a path */
	struct timespec changed; /* its mtime when they were read */
	bool is_valid;
	bool is_held;
	struct buf json, bytes; /* vm_info.c: the configuration, by encoding; empty: not made */
	bool was_stopped;	/* as it says */
};

#define VM_TEXTS_KEPT_NULL ((struct vm_texts_kept){ .folder = -1 })

/* The texts; borrowed from the VM or from @s, whichever holds them. */
struct vm_texts vm_texts(const struct vm *vm, struct scratch *s);

/*
 * Read them now, and show these until vm_texts_forget(), whatever becomes of the files: so that nobody sees an
 * update half done.
 */
void vm_texts_hold(const struct vm *vm);

/* Are they kept, so that what is made of them may be too? */
bool vm_texts_are_kept(const struct vm_texts_kept *k);

/* What was made of them and of the manifest is wrong now. */
void vm_texts_drop_encoded(struct vm_texts_kept *k);

void vm_texts_forget(struct vm_texts_kept *k);
