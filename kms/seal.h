/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: files that only who has the sealing key can read, or could have written
 *
 * The key is the guest's own, of its agent, which the host never sees; in development it is in a file.
 *
 * Wire     "bailey-kms-seal1", nonce (12), AES-256-GCM of the content, tag (16).  The file's name is vouched for,
 *	    so that one file does not pass for another; that it is the newest is not.
 * Limits   SEAL_MAX bytes of content.
 */
#pragma once

#include <stddef.h>

struct buf;
struct err;
struct kms_config;
struct secret32;

enum { SEAL_MAX = 256 * 1024 };

/* The key that the configuration names; blocks on the agent.  Return: 0 or negative. */
int seal_key(const struct kms_config *c, struct secret32 *ret, struct err *e);

/* Written aside, fsynced, renamed; mode 0600.  Return: 0 or negative. */
int seal_write(int dirfd, const char *name, const struct secret32 *key, const void *p, size_t n,
	       struct err *e);

/* *@ret is a secret buffer, the caller's.  Return: 0; -ENOENT; ERR_CORRUPT: it does not open with this key. */
int seal_read(int dirfd, const char *name, const struct secret32 *key, struct buf *ret,
	      struct err *e);
