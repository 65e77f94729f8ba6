/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostlink: the ways between a VM and us over vsock: its calls to the host API, ours to its agent
 *
 * Thread   the loop's.
 */
#pragma once

struct carrier_address;
struct daemon;
struct err;
struct vm;

/* Make what all VMs share.  Return: 0 or negative. */
int hostlink_start(struct daemon *d, struct err *e);

/* Stop answering any VM. */
void hostlink_stop(struct daemon *d, void (*done)(void *arg), void *arg);

/* Answer the calls of @vm from now on; they belong to the boot that its state has now. */
int hostlink_open(struct vm *vm, struct err *e);
void hostlink_close(struct vm *vm);

/* It was open all the time: has the process that carries it died, unseen or when nothing could be done about it? */
void hostlink_check(struct vm *vm);

/* Where its guest is, for calls from us. */
void hostlink_address(const struct vm *vm, struct carrier_address *ret);
