/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_label: what the first label of a host name below a gateway's domain asks for: which app, which port, and how
 *
 * Wire     dstack's: id ["-" [port] ["s" | "g"]].  s: the TLS is the app's own; g: HTTP/2.  Without a port it is
 *	    443 with s, else 80.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_LABEL_ID_MAX = 63 };

enum host_label_verdict {
	HOST_LABEL_OK,
	HOST_LABEL_NO_ID,    /* empty, longer than 63 bytes, or not of a-z 0-9 _ */
	HOST_LABEL_TOO_MANY, /* more than one hyphen */
	HOST_LABEL_BAD_PORT, /* not a number from 1 to 65535 */
	HOST_LABEL_S_AND_G,  /* both */
	HOST_LABEL_VERDICT_COUNT,
};

struct host_label {
	char id[HOST_LABEL_ID_MAX + 1]; /* of an app or of an instance */
	uint16_t port;
	bool is_passthrough, is_h2;
};

/* @p: in lower case (client_hello_host() makes it so).  @ret is written only for HOST_LABEL_OK. */
enum host_label_verdict host_label_parse(const char *p, size_t n, struct host_label *ret);

/*
 * What a TXT record says of a custom domain: "id:port", of any case.  It has no s and no g: the TLS is always the
 * app's own.
 */
enum host_label_verdict host_label_parse_txt(const void *p, size_t n, struct host_label *ret);

/* For people.  Static. */
const char *host_label_verdict_text(enum host_label_verdict v);
