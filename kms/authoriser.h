/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authoriser: who may have keys: by the allow-list as its file is now, or by the webhook
 *
 * Fails closed: a list that cannot be read, and a server that does not answer, allow nobody.  Nothing is remembered.
 *
 * Owns     the list.
 * Thread   any; calls block, on a file or on the webhook.
 */
#pragma once

#include <stdbool.h>

#include "kms/webhook.h"

struct authoriser;
struct boot_info;
struct err;
struct grant;
struct kms_config;

/* Borrows @c.  Return: 0; ERR_INPUT, -ENOENT...: the allow-list cannot be read, or is wrong. */
int authoriser_new(const struct kms_config *c, struct authoriser **ret, struct err *e);
void authoriser_free(struct authoriser *a);

enum authoriser_kind { AUTHORISE_APP, AUTHORISE_KMS };

/* Return: 0 and *@ret, which may be a no; negative: nobody could be asked, which is a no. */
int authoriser_ask(struct authoriser *a, enum authoriser_kind kind, const struct boot_info *b,
		   struct grant *ret, struct err *e);

/* For GetMeta.  Of an allow-list only the gateway's id is known.  Return: 0 or negative. */
int authoriser_info(struct authoriser *a, struct webhook_info *ret, bool *ret_is_webhook,
		    struct err *e);
