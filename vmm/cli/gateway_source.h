/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_source: the evidence of a gateway, by the key that it showed a client of one of its domains
 *
 * Limits   as app_source.h
 */
#pragma once

struct app_source;
struct cli;
struct err;

/* A host below a gateway's domain that is the gateway itself: https://gateway.DOMAIN? */
int gateway_source_is_one(const char *operand);

/*
 * Ask https://gateway.DOMAIN[:PORT] what it attests of its keys.  Return: 0 and *@ret, the caller's, for
 * app_source_deinit(): channel APP_CHANNEL_DOMAIN, and a fault where the connection's key is none of them; ERR_INPUT;
 * others: it does not answer.
 */
int gateway_source_read(const struct cli *c, const char *operand, struct app_source *ret,
			struct err *e);
