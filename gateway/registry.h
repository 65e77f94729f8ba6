/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry: which instances have registered: their apps, WireGuard keys, addresses and port policies
 *
 * Pure: no clock, no file.  A change is planned, then made: between the two the caller writes it down (registry_file.h),
 * so what could not be written never was.
 *
 * Owns     all of its memory.
 * Limits   REGISTRY_MAX instances, fewer if the range of addresses is smaller or the options say so.  A look-up is
 *	    a binary search, a new instance moves at most 3 * 4 * REGISTRY_MAX bytes: nobody's choice of key or id
 *	    makes it slower.
 * Invariant id, key and address are each of one instance.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/overrides.h"
#include "gateway/routes.h"

struct err;
struct registry;

enum { REGISTRY_MAX = 65536, REGISTRY_KEY = 32, REGISTRY_ID = 20, REGISTRY_DIGEST = 32 };

/* Of who asks it for its port policy (policy_fetch.h). */
struct registry_fetch {
	uint64_t next_ms; /* not before, of the caller's clock */
	uint8_t n_tries;  /* since it last registered */
	bool is_wrong;	  /* what it answered is, and will be */
};

/* What one has said of itself, and what it was given. */
struct registry_instance {
	char id[2 * REGISTRY_ID + 1], app_id[2 * REGISTRY_ID + 1]; /* lower-case hex */
	char compose_hash[2 * REGISTRY_DIGEST + 1];		   /* "": not known */
	uint8_t key[REGISTRY_KEY];				   /* WireGuard's public one */
	uint32_t address;					   /* IPv4, host order */
	uint64_t reg_time;  /* seconds since 1970, of the key */
	uint64_t seen_ms;   /* of the caller's clock: when it was last heard of; not lasting */
	bool has_tunnel;    /* its peer is in place; not lasting */
	bool is_held;	    /* it said that its app takes no clients */
	bool is_silent;	    /* as registry_judge() found it; not lasting */
	uint64_t handshake; /* of its tunnel, seconds since 1970; 0: none is known; not lasting */
	uint64_t
		alive_ms; /* of the caller's clock: the last sign of life of its tunnel; not lasting */
	struct registry_fetch fetch; /* not lasting */
	struct route_policy policy;
};

struct registry_options {
	uint32_t first, last; /* the addresses that are given out, host order */
	uint32_t own;	      /* our own, which is not */
	uint8_t own_key[REGISTRY_KEY];
	uint32_t most, most_per_app; /* instances; never 0 */
};

/* What a registration says.  Who says it was verified. */
struct registry_request {
	const char *id, *app_id, *compose_hash; /* lower-case hex; "": there is none */
	const char *key;			/* base64, as it came */
	const struct route_policy *policy;	/* NULL: nothing was said */
	bool is_held; /* it takes no clients; false: it does, or nothing was said */
	uint64_t now_s, now_ms;
};

enum registry_change {
	REGISTRY_SAME,	    /* it is known so; nothing has to be written */
	REGISTRY_POLICY,    /* other ports, another compose hash, or it is (not) ready */
	REGISTRY_KEY_OTHER, /* another key, and maybe that too */
	REGISTRY_NEW,
};

/* @o is copied. */
struct registry *registry_new(const struct registry_options *o);
void registry_free(struct registry *r);

/*
 * What would @q lead to?  Nothing is changed.
 * Return: 0, *@ret (to be made by registry_put()) and *@ret_change; ERR_INPUT, ERR_CONFLICT, ERR_LIMIT.
 */
int registry_plan(const struct registry *r, const struct registry_request *q,
		  struct registry_instance *ret, enum registry_change *ret_change, struct err *e);

/*
 * Add an instance, or replace the one of its id; copied.  Whatever it breaks is looked at: also what was read from a
 * file may come here.  Return: 0; ERR_INPUT, ERR_CONFLICT, ERR_LIMIT, and nothing was changed.
 */
int registry_put(struct registry *r, const struct registry_instance *in, struct err *e);

/* Its address is free after; what an operator said of it stays.  Return: was there one? */
bool registry_remove(struct registry *r, const char *id);

/* The same, and nothing stays. */
void registry_forget(struct registry *r, const char *id);

/* What operators said; ids need not be of instances that there are. */
struct overrides *registry_overrides(struct registry *r);
const struct override *registry_override(const struct registry *r, const char *id);

/* NULL: none.  Valid until the next change. */
const struct registry_instance *registry_find(const struct registry *r, const char *id);

/* In the order of their ids; @i < registry_count().  Valid until the next change. */
const struct registry_instance *registry_at(const struct registry *r, size_t i);
size_t registry_count(const struct registry *r);

/* How many of them have no port policy. */
size_t registry_n_unknown(const struct registry *r);

/* Its tunnel is there, if it still has @key; that is a sign of life. */
void registry_set_tunnel(struct registry *r, const char *id, const uint8_t key[static REGISTRY_KEY],
			 uint64_t now_ms);

/* After a start: whoever was written down has a tunnel, until we know better. */
void registry_assume_tunnels(struct registry *r, uint64_t now_ms);

/* When whoever has @key last had a handshake of its tunnel.  Another time than before is a sign of life. */
void registry_set_handshake(struct registry *r, const uint8_t key[static REGISTRY_KEY],
			    uint64_t seconds, uint64_t now_ms);

/*
 * Who gave no sign of life for @limit_ms is silent, and comes last.  *@ret_n: how many are.
 * Return: is it another for anybody?
 */
bool registry_judge(struct registry *r, uint64_t now_ms, uint64_t limit_ms, size_t *ret_n);

/* It was heard of, and may be asked again; nothing else is changed. */
void registry_set_seen(struct registry *r, const char *id, uint64_t now_ms);
void registry_set_fetch(struct registry *r, const char *id, const struct registry_fetch *f);

/* Those that have a tunnel, for a snapshot.  Return: 0, or as routes_builder_add(). */
int registry_add_routes(const struct registry *r, struct routes_builder *b, struct err *e);
