/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_keys: the steps of boot.c that have to do with keys, and with what they open
 *
 * Each event is emitted once, after the answer that it tells of was checked: asking again for keys extends nothing.
 */
#pragma once

#include <stdbool.h>

struct boot;
struct err;

/*
 * Is it the app for which the TD was started?  @is_provider_known: also its key provider, out of b->keys; else only
 * as far as the app pins one.  Nobody could tell without a TEE.
 */
int boot_keys_config_id(struct boot *b, bool is_provider_known, struct err *e);

/* Run `bailey-guest request-keys`; b->keys.  Return: also -ECANCELED on a stop. */
int boot_keys_request(struct boot *b, struct err *e);

/* os-image-hash; MRCONFIGID and the app's pin against who gave the keys; key-provider. */
int boot_keys_accept(struct boot *b, struct err *e);

/* b->env, out of what the owner sealed. */
int boot_keys_env(struct boot *b, struct err *e);

/* The data disk; storage-fs.  Return: also -ECANCELED on a stop. */
int boot_keys_disk(struct boot *b, struct err *e);

/* Tell the host which instance it is; system-ready. */
int boot_keys_ready(struct boot *b, struct err *e);

/* .appkeys.json and the environment's files; then b->keys is wiped. */
int boot_keys_files(struct boot *b, struct err *e);
