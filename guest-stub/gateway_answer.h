/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_answer: what a gateway says to a guest that registers, taken apart; also by one that lies
 *
 * Pure.
 * Trusts   nothing: an address is one that private networks have, a key has 32 bytes, an endpoint is host and port.
 *	    What is not needed (the domain) and looks odd is left out.
 * Wire     the JSON of proto/gateway.proto: RegisterCvmResponse.
 * Limits   GATEWAY_ANSWER_MAX bytes, GATEWAY_SERVERS_MAX servers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	GATEWAY_ANSWER_MAX = 64 * 1024,
	GATEWAY_SERVERS_MAX = 16,
	GATEWAY_KEY = 32,
	GATEWAY_HOST_MAX = 253,
};

struct gateway_server {
	uint8_t key[GATEWAY_KEY];
	uint32_t address; /* in the tunnel: IPv4, host order */
	char host[GATEWAY_HOST_MAX +
		  1]; /* of its endpoint: a name or an address, without brackets */
	uint16_t port;
};

struct gateway_answer {
	uint32_t client;  /* our own address in the tunnel */
	size_t n_servers; /* 1 to GATEWAY_SERVERS_MAX; no key and no address is there twice */
	struct gateway_server servers[GATEWAY_SERVERS_MAX];
	char domain[GATEWAY_HOST_MAX + 1]; /* apps are one label below it; "" if not said */
	uint16_t external_port;		   /* that clients come to; 0 if not said */
};

/* Return: 0 and *@ret; ERR_PROTO, ERR_LIMIT. */
int gateway_answer_read(const void *p, size_t n, struct gateway_answer *ret, struct err *e);

/* Is it of a network that anybody may have: 10/8, 172.16/12, 192.168/16, 100.64/10? */
bool gateway_answer_is_private(uint32_t address);

/* May packets of a tunnel go there, @n (4 or 16) bytes of an IP address?  Not to ourselves, nor to many. */
bool gateway_answer_is_endpoint(const uint8_t *ip, size_t n);

/* "10.8.0.2".  Return: @dst. */
const char *gateway_answer_address(uint32_t address, char *dst, size_t size);
