/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onboard: the service of a key service that has no keys yet: they are made, or fetched, as its operator asks
 *
 * Plain HTTP; each call needs the setup token.
 *
 * Owns     its loop and its listener; calls are worked on one at a time.
 */
#pragma once

struct err;
struct kms;

/* Serve on @fd (taken over) until Finish is called, with keys, or a signal.  Return: 1 finished, 0 a signal, negative. */
int onboard_run(struct kms *k, int fd, struct err *e);
