/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle: a VM made, started, stopped, taken away; each an operation of its queue
 *
 * Thread   the loop's.  A `done` runs once, on the loop, maybe before the call returns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "domain/hypervisor.h"
#include "store/state.h"

struct daemon;
struct err;
struct manifest;
struct vm;

/* @e is ERR_NONE when @rc is 0.  The VM may be gone when this runs. */
typedef void (*vm_done_fn)(void *arg, int rc, const struct err *e);

/* What CreateVm gives besides the manifest.  Copied. */
struct vm_files {
	const void *compose, *encrypted_env;
	size_t n_compose, n_encrypted_env;
	const char *user_config;
};

/*
 * Make the VM of @m (taken over; its id is made here) and start it unless @stopped.  On failure
 * nothing of it is left.  Everything in @m was validated; ids, CIDs and ports are reserved at once.
 *
 * Return: the id by which the caller may speak of it, valid until @done has run; or NULL and @e.
 */
const char *vm_create(struct daemon *d, struct manifest *m, const struct vm_files *files,
		      bool stopped, vm_done_fn done, void *arg, struct err *e);

/* Start it, because an operator says so; success if it runs already.  What was counted of restarts is forgotten. */
void vm_start(struct vm *vm, vm_done_fn done, void *arg);

/* Start it because it ended by itself (restarter.c). */
void vm_start_again(struct vm *vm);

/*
 * Stop it: ask the guest, then press its power button, then kill it (stop.c).  @recorded runs when that is written down;
 * the rest goes on by itself, and is told by events.  Success if it does not run.
 */
void vm_halt(struct vm *vm, vm_done_fn recorded, void *arg);

/* The same because the host goes down: it is still wanted to run, and nothing of it is written down before it has ended. */
void vm_halt_with_host(struct vm *vm);

/* Of what is under way, nothing shall take longer than it must: starts are taken back, a stop becomes a kill. */
void vm_hurry(struct vm *vm, const char *why);

/* QEMU ended.  Return: true if a stop waited for that, and goes on now. */
bool vm_stop_sees_end(struct vm *vm);

/* Kill it; done when QEMU, the carrier and the sockets are gone.  Success if it does not run. */
void vm_stop(struct vm *vm, vm_done_fn done, void *arg);

/*
 * Mark it for removal, which then goes on by itself: stop, delete the folder, forget.  @done runs when the
 * mark is on the disk.  Idempotent.
 */
void vm_remove(struct vm *vm, vm_done_fn done, void *arg);

/* Delete the folder of a VM and libvirt's log of it.  On a worker. */
int vm_delete_files(const struct daemon *d, const char *id, struct err *e);

/* Go on with a removal that a crash interrupted. */
void vm_resume_removal(struct vm *vm);

/* Its folder is gone: end what runs of it and forget it, and delete nothing of that name. */
void vm_forget(struct vm *vm);

/*
 * Its QEMU ended by itself: put away what it had, and record why: @cause, if we know it better than QEMU, else what
 * @reason and the console say.
 */
void vm_reap(struct vm *vm, enum hypervisor_reason reason, enum vm_exit cause);

/*
 * Its vsock process died: if it is to run and QEMU does not end too, record VM_EXIT_VSOCK, end QEMU, and leave the rest to
 * the restarter.
 */
void vm_sever(struct vm *vm);

/* The guest said that it powers off: it is meant to be stopped from now on. */
void vm_wants_off(struct vm *vm);

/* Write its state as it will be when the operations before this have ended. */
void vm_record(struct vm *vm);

/* Rewrite its file of events if that has grown long.  Cheap where it has not. */
void vm_tidy_events(struct vm *vm);
