/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_texts: the files of a VM's shared folder that the API shows, read once
 *
 * A listing of a thousand VMs shows three files of each; reading them anew was most of its time.
 *
 * Owns     copies of small ones, as long as the folder is as it was: files in it are replaced by
 *	    rename, which the folder's time of change tells.  Who edits one in place is seen when
 *	    the VM starts or the daemon does.
 * Limits   VM_TEXTS_KEPT bytes a VM; what is larger is read each time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

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
	struct timespec changed; /* the folder's mtime when they were read */
	bool is_valid;
	bool is_held;
};

/* The texts; borrowed from the VM or from @s, whichever holds them. */
struct vm_texts vm_texts(const struct vm *vm, struct scratch *s);

/*
 * Read them now, and show these until vm_texts_forget(), whatever becomes of the files: so that nobody sees an
 * update half done.
 */
void vm_texts_hold(const struct vm *vm);

void vm_texts_forget(struct vm_texts_kept *k);
