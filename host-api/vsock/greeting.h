/* SPDX-License-Identifier: Apache-2.0 */
/*
 * greeting: how a host program asks for a port of the guest
 *
 * Wire     "CONNECT <port>\n" from the program; "OK <our port>\n" once the guest
 *          accepted, then the stream.  A closed socket is the refusal.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct device;
struct stream;

enum { GREETING_MAX = 32 };

/**
 * greeting_parse() - look for the line in what was received so far
 *
 * Return: its length with the newline and *ret_port; 0 when more is needed; ERR_PROTO.
 */
int greeting_parse(const char *text, size_t n, uint32_t *ret_port);

/* The socket of a stream in GREETING has bytes. */
void greeting_ready(struct stream *s);

/* The guest accepted.  Return: 0 or negative when the program is gone. */
int greeting_answer(struct stream *s);

/* Accept host programs that wait at d->listener. */
void greeting_accept(struct device *d);
