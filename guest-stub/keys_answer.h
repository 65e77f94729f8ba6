/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_answer: what `bailey-guest request-keys` hands to PID 1
 *
 * A file in memory of a size that its maker fixed, so that no writer can make it longer; the first byte says what
 * it is ('K' the text of .appkeys.json; 'L' the same, of a local key provider that is no enclave; 'E' why there are no
 * keys, 'A' why there are none now), a 0 ends it.
 *
 * Trusts   nothing: who wrote it has spoken with the host and with the network.
 */
#pragma once

#include <stdbool.h>

struct app_keys_file;
struct err;

/* A new one, all zeros, sealed at its size.  Return: the fd, the caller's; negative. */
int keys_answer_new(struct err *e);

/* @is_ours: sealed by bailey-key-provider, not by an enclave.  Return: 0 or negative. */
int keys_answer_put_keys(int fd, const struct app_keys_file *keys, bool is_ours, struct err *e);
/* @may_pass: it may be another at the next boot. */
int keys_answer_put_error(int fd, const char *why, bool may_pass);

/*
 * Return: 0 and *@ret, for app_keys_file_wipe(); ERR_BAD_STATE if nothing was put; the failure that was put as
 * ERR_MISSING, or -EAGAIN if it may pass, its words escaped; ERR_PROTO for anything else.
 */
int keys_answer_take(int fd, struct app_keys_file *ret, bool *ret_is_ours, struct err *e);
