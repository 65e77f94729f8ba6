/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_place: where a gateway publishes apps, and the address that an app has there
 *
 * Pure.
 *
 * Wire     the host names of wire/host_label.h: https://<app id>[-<port of the app>].<domain>[:<port>]
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	GATEWAY_DOMAIN_MAX = 190,   /* a label of 63 bytes before it still fits into a host name */
	GATEWAY_URL_MAX = 512,	    /* of one of its services */
	GATEWAY_ADDRESS_SIZE = 300, /* of an app, with its NUL */
	GATEWAY_APP_PORT = 80,	    /* what the address without a port leads to */
	GATEWAY_CLIENT_PORT = 443,  /* what clients use if nothing else is said */
};

/* Is it a domain in lower case, as "apps.example.com"?  Return: 0 or ERR_INPUT that says what is wrong. */
int gateway_domain_check(const char *text, struct err *e);

/* Is it https://HOST[:PORT] and no more?  Return: 0 or ERR_INPUT that says what is wrong. */
int gateway_url_check(const char *text, struct err *e);

/*
 * gateway_address() - where clients find the app @id
 * @app_port: of the app, in its guest
 * @port:     of the gateway, for its clients
 *
 * Return: its length or -ENAMETOOLONG.
 */
int gateway_address(const char *id, uint16_t app_port, const char *domain, uint16_t port, char *dst,
		    size_t size);
