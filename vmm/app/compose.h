/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose: the app-compose.json that an app becomes
 *
 * Invariant one document makes one text, byte for byte, on every machine and in every version of
 *          Bailey that a guest may meet: its SHA-256 is the app's identity.  Golden tests hold it.
 * Wire     dstack's AppCompose as JCS (RFC 8785).  manifest_version is 2, or "3" where a key is
 *          used that guests of version 2 do not know.
 */
#pragma once

struct app;

/* The caller frees.  Never NULL. */
char *compose_text(const struct app *a);
