/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: why an operation failed, in words
 *
 * A fallible function returns 0 or a negative code.  The code tells the
 * program what to do next; struct err tells the operator what happened.
 */
#pragma once

/* Codes of our own: below every Linux errno, above libuv's -3000 and -4080. */
enum {
	ERR_PROTO = -2000,	/* the peer broke the protocol */
	ERR_LIMIT = -2001,	/* the peer exceeded its share */
	ERR_INPUT = -2002,	/* what the operator gave is wrong; the text says what is right */
	ERR_NOT_FOUND = -2003,	/* no such VM, image, method */
	ERR_CONFLICT = -2004,	/* right in itself, but not beside what exists */
	ERR_BAD_STATE = -2005,	/* not possible in the state the object is in */
	ERR_MISSING = -2006,	/* this host lacks what is needed; the text says what */
	ERR_CRYPTO = -2007,	/* the crypto library refused */
	ERR_HYPERVISOR = -2008, /* libvirt or QEMU refused */
	ERR_CORRUPT = -2009,	/* a file of ours does not hold what it must */
};

struct err {
	int code;
	char text[512];
};

#define ERR_NONE ((struct err){ .code = 0, .text = "" })

/* Record @code and a message; return @code, so callers can return the call. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Like err_set() with @code = -@saved_errno, and ": <what the errno means>" at the end. */
int err_errno(struct err *e, int saved_errno, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Put "what we were doing: " in front of the message; return @code. */
int err_wrap(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* A short text for @code: strerror() of an errno, or a name of one of ours.  Static. */
const char *err_name(int code);
