/* SPDX-License-Identifier: Apache-2.0 */
/* conn_parts: what the files of a connection need of each other; bool functions say whether it lives on */
#pragma once

#include "gateway/conn.h"
#include "gateway/worker.h"

/* conn.c */
void conn_set_state(struct conn *c, enum conn_state s, uint64_t limit_ms); /* 0: no limit */
bool conn_not_half_open(struct conn *c);	/* for the caller's return */
void conn_again(struct conn *c);		/* put it behind the others of this turn */
bool conn_die(struct conn *c, enum gw_end end); /* close everything; false */
void conn_close_app(struct conn *c);
void conn_leave_loads(struct conn *c);
bool conn_watch_app(struct conn *c); /* not whether it lives: whether epoll took it */

/* conn_io.c: the client's bytes, decrypted if TLS is ours, and back */
enum conn_got { GOT_BYTES, GOT_NONE, GOT_END, GOT_BROKEN };
enum conn_got conn_read_raw(struct conn *c, enum conn_side side, void *p, size_t n, size_t *ret_n);
enum conn_got conn_read_client(struct conn *c, const uint8_t **ret, size_t *ret_n);

/* Send, or keep what does not go now.  false: the side is broken (nothing is closed). */
bool conn_send(struct conn *c, enum conn_side side, const void *p, size_t n);
bool conn_flush(struct conn *c, enum conn_side side);
bool conn_send_wire(struct conn *c); /* what TLS put on the wire */

/* conn_hello.c */
bool conn_advance_hello(struct conn *c);
bool conn_keep_early(struct conn *c); /* what it said so far, for when it is known where to */
/* conn_route.c */
bool conn_route(struct conn *c, const char *host, size_t n_host);
bool conn_begin_passthrough(struct conn *c);
/* conn_tls.c */
bool conn_begin_handshake(struct conn *c);
bool conn_advance_handshake(struct conn *c);
/* conn_connect.c */
bool conn_connect(struct conn *c);	   /* begin: choose an instance and connect */
bool conn_advance_connect(struct conn *c); /* did it? */
bool conn_connect_expired(struct conn *c);
/* conn_relay.c */
bool conn_relay(struct conn *c);
bool conn_splice(struct conn *c, enum conn_side from, int *budget); /* conn_splice.c */
/* conn_refuse.c */
bool conn_refuse(struct conn *c, enum gw_end end, uint8_t alert); /* alert 0: none */
bool conn_page(struct conn *c, enum conn_page page, enum gw_end end);
bool conn_advance_request(struct conn *c);
bool conn_finish(struct conn *c, enum gw_end end); /* say our end, wait for the client's */
bool conn_advance_linger(struct conn *c);
/* conn_log.c */
void conn_log(struct conn *c, enum gw_end end);
