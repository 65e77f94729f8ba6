/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery: a record by which dstack's command line client finds the daemons of a user
 *
 * Wire     dstack's: <folder>/<uuid>.json with id, pid, address, working_dir, config_file, image_path, run_path,
 *	    node_name, version, started_at; and of ours "product" and "pid_start", the 22nd field of
 *	    /proc/<pid>/stat, by which a pid that was given away again is told.
 * Owns     the record: its lock (flock) is held for life, and is what says that the daemon lives.
 * Invariant Only records of ours whose lock nobody holds are deleted.
 */
#pragma once

struct config;
struct err;

struct discovery {
	int fd; /* -1: there is no record */
	char path[512];
};

#define DISCOVERY_NULL ((struct discovery){ .fd = -1 })

/* The folder that clients look in: dstack-vmm in $XDG_RUNTIME_DIR, else in /run/user/<uid>.  Return: 0, or -1: none. */
int discovery_folder(char *ret, unsigned int size);

/* Sweep @folder, made if need be, and write our record.  Return: 0 or negative; then there is none. */
int discovery_begin(struct discovery *x, const char *folder, const struct config *c,
		    const char *image_dir, struct err *e);
void discovery_end(struct discovery *x);
