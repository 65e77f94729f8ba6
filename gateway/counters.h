/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters: what a worker counts, and how connections end
 *
 * Thread   written by one, read by any: a reader may see a moment ago.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* How a connection ended.  Names are those of metrics and of the access log. */
#define GW_ENDS(X)                                                                                 \
	X(DONE, "done")		      /* both sides said so */                                     \
	X(CLIENT_GONE, "client_gone") /* reset, or away before it said anything */                 \
	X(APP_GONE, "app_gone")	      /* reset by the app */                                       \
	X(IDLE, "idle")                                                                            \
	X(TOTAL, "total")                                                                          \
	X(NOT_TLS, "not_tls")                                                                      \
	X(BAD_PROXY_HEADER, "bad_proxy_header")                                                    \
	X(BAD_HELLO, "bad_hello")                                                                  \
	X(BAD_HOST, "bad_host") /* no label of ours */                                             \
	X(UNKNOWN_APP, "unknown_app")                                                              \
	X(UNKNOWN_DOMAIN, "unknown_domain") /* no TXT record that leads to an app */               \
	X(PORT_DENIED, "port_denied")                                                              \
	X(NOT_READY, "not_ready") /* the app has no instance that is ready */                      \
	X(APP_FULL, "app_full")                                                                    \
	X(TLS_FAILED, "tls_failed")                                                                \
	X(CONNECT_FAILED, "connect_failed")                                                        \
	X(CONNECT_TIMEOUT, "connect_timeout")                                                      \
	X(HELLO_TIMEOUT, "hello_timeout") /* PROXY header, ClientHello */                          \
	X(HANDSHAKE_TIMEOUT, "handshake_timeout")                                                  \
	X(HALF_OPEN, "half_open") /* too many: the oldest went */                                  \
	X(FULL, "full")		  /* too many connections */                                       \
	X(RATE, "rate")		  /* too many from one address */                                  \
	X(BUILTIN, "builtin")	  /* a page of our own was answered */                             \
	X(STOPPED, "stopped")                                                                      \
	X(NO_MEMORY, "no_memory")

enum gw_end {
#define X(name, text) GW_END_##name,
	GW_ENDS(X)
#undef X
		GW_END_COUNT,
};

const char *gw_end_name(enum gw_end end);

/* Up to how many ms each bucket of times goes; the last has no end. */
enum { GW_TIMES = 13 };
extern const uint32_t gw_time_limits[GW_TIMES];

struct gw_counters {
	_Atomic uint64_t accepted, handshakes, resumed, tls13, connects, connect_failures,
		passthrough, spliced_bytes;
	_Atomic uint64_t bytes_up, bytes_down;
	_Atomic uint64_t conns, half_open; /* now */
	_Atomic uint64_t log_lost;	   /* lines of the access log that could not be written */
	_Atomic uint64_t dns_asked;
	_Atomic uint64_t ended[GW_END_COUNT];
	_Atomic uint64_t handshake_ms; /* all of their times */
	_Atomic uint64_t handshake_times[GW_TIMES];
};

/* Only the worker writes, so no locked instruction is needed. */
static inline void gw_count(_Atomic uint64_t *n, uint64_t by)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

static inline void gw_uncount(_Atomic uint64_t *n)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) - 1,
			      memory_order_relaxed);
}

/* A handshake took so long. */
static inline void gw_count_handshake(struct gw_counters *c, uint64_t ms)
{
	unsigned int i = 0;

	while (i < GW_TIMES - 1 && ms > gw_time_limits[i])
		i++;
	gw_count(&c->handshake_times[i], 1);
	gw_count(&c->handshake_ms, ms);
}
