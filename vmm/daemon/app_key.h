/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_key: GetAppEnvEncryptPubKey, asked of a KMS on behalf of who seals an environment
 *
 * We only carry: what a KMS answers is public, and whoever asked must check its signature, for us as for anybody on
 * the way.  So we look at no certificate, and believe nothing but the answer's form.
 *
 * Limits   APP_KEY_CALLS_MAX at once, APP_KEY_URLS_MAX addresses, APP_KEY_TRY_MS each, APP_KEY_ALL_MS together,
 *          APP_KEY_REPLY_MAX bytes of an answer.
 */
#pragma once

struct daemon;

enum {
	APP_KEY_CALLS_MAX = 8,
	APP_KEY_URLS_MAX = 16,
	APP_KEY_URL_MAX = 2048,
	APP_KEY_TRY_MS = 10 * 1000,
	APP_KEY_ALL_MS = 30 * 1000,
	APP_KEY_REPLY_MAX = 64 * 1024,
};

/* Fail the calls that are under way. */
void app_key_stop(struct daemon *d);
