/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wg: the peers of a WireGuard interface, changed one at a time by the program wg(8)
 *
 * Changes wait in order; one run of the program makes up to WG_BATCH of them, on a thread of the pool.  What failed is tried
 * again; when the interface is another than before, everything is said again by the owner.
 * wg(8) rather than netlink of our own, as it speaks to the kernel's module and to those that stand in for it.
 *
 * Owns     the changes that wait.  The interface is the operator's.
 * Trusts   nothing of a peer reaches the argv but keys and addresses that we wrote ourselves, out of numbers.
 * Limits   WG_WAITING_MAX changes; WG_BATCH a run, WG_RUN_MS.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

struct err;
struct wg;

enum {
	WG_KEY = 32,
	WG_KEY_TEXT = 44,
	WG_ID_MAX = 40,
	WG_BATCH = 64,
	WG_WAITING_MAX = 4 * 65536,
	WG_RUN_MS = 30 * 1000,
	WG_AGAIN_MS = 2000,
	WG_ARGV_MAX = 8 + WG_BATCH * 6 + 1,
	WG_KEEPALIVE_S = 25,
};

struct wg_change {
	char id[WG_ID_MAX + 1]; /* whose; for the owner */
	uint8_t key[WG_KEY];
	uint32_t address; /* IPv4, host order */
	bool is_removal;
};

struct wg_options {
	uv_loop_t *loop;
	const char *program,
		*interface; /* borrowed; interface NULL: there is none, every change is made at once */
	const char *private_key; /* a file */
	uint16_t port;
	void (*on_made)(const struct wg_change *c, void *arg);
	void (*on_new_interface)(void *arg); /* it has no peers: add them all again */
	void *arg;
};

/* The first run also gives the interface its key and port. */
void wg_start(struct wg **ret, const struct wg_options *o);

/* Return: 0; ERR_LIMIT if too many wait. */
int wg_add(struct wg *w, const struct wg_change *c, struct err *e);

/* Now and then: tries again what failed; looks whether the interface is still the same. */
void wg_tick(struct wg *w);

/* No callback comes after; what is under way goes on, and the memory is gone after it.  NULL is allowed. */
void wg_stop(struct wg *w);

size_t wg_n_waiting(const struct wg *w);

/* Texts of an argv, which point into @room. */
struct wg_argv {
	const char *argv[WG_ARGV_MAX];
	char room[WG_BATCH][2][48];
	char port[8];
};

/* Pure: the arguments that make @n <= WG_BATCH changes; with key and port if @is_first. */
void wg_argv_make(const struct wg_options *o, bool is_first, const struct wg_change *changes,
		  size_t n, struct wg_argv *ret);
