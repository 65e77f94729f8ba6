/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmdir: the folders of VMs below <state>/vm: made whole, found again, taken away
 *
 * Owns     <root>/<id>/ and <root>/.new-<id>/.  Anything else in the root is someone else's and
 *	    never touched.
 * Invariant <root>/<id> appears by rename when all that CreateVm writes is in it and on disk.
 *	    A folder with the file .removing is being deleted; that file goes last.
 * Thread   any; each call blocks on the disk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct manifest;
struct vm_state;

enum vmdir_found {
	VMDIR_VM,	/* a folder whose name is a VM id */
	VMDIR_REMOVING, /* the same, with .removing */
	VMDIR_UNKNOWN,	/* something else; left alone */
};

/* What CreateVm was given for the guest's shared folder.  Borrowed. */
struct vmdir_files {
	const char *compose; /* app-compose.json, byte for byte */
	size_t n_compose;
	const void *encrypted_env; /* .encrypted-env, if any */
	size_t n_encrypted_env;
	const char *user_config; /* .user-config; "" or NULL: none */
};

/*
 * Make the folder of a new VM: aside, synced, renamed in.  All of it is the owner's alone.
 *
 * Return: 0; ERR_CONFLICT if the id is taken; an errno, and then nothing is left behind.
 */
int vmdir_create(int root, const struct manifest *m, const struct vm_state *s,
		 const struct vmdir_files *files, struct err *e);

/*
 * Let the group @gid (QEMU's) enter the folder and, if @with_shared (9p: QEMU itself serves the
 * guest from it), read shared/.
 */
int vmdir_grant(int dirfd, gid_t gid, bool with_shared, struct err *e);

/* Return: a descriptor of the folder, or negative. */
int vmdir_open(int root, const char *id, struct err *e);

/* Call @fn for each entry of the root.  Before that, remove what a crash left of vmdir_create(). */
int vmdir_scan(int root, void (*fn)(const char *name, enum vmdir_found what, void *arg), void *arg,
	       struct err *e);

/* The same while VMs are made: what vmdir_create() has begun is passed over. */
int vmdir_look(int root, void (*fn)(const char *name, enum vmdir_found what, void *arg), void *arg,
	       struct err *e);

/* From now on the folder is to be deleted, also after a crash. */
int vmdir_mark_removing(int dirfd, struct err *e);

/* Delete the folder and all in it, .removing last.  A folder that is not there is success. */
int vmdir_remove(int root, const char *id, struct err *e);

/*
 * Replace shared/.instance_info and shared/.instance-info (two names for the same bytes: today's
 * guests read the first, dstack's documents say the second).
 */
int vmdir_write_instance_info(int dirfd, const void *p, size_t n, struct err *e);
