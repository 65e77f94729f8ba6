/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_url: where a service has each part of a collateral
 *
 * Wire     BASE/{sgx,tdx}/certification/v4/{tcb?fmspc=,qe/identity}, BASE/sgx/certification/v4/pckcrl?ca=,
 *	    and BASE/sgx/certification/v4/rootcacrl of a PCCS; Intel itself has the root's list at the
 *	    distribution point that its root certificate names.
 * Thread   any: pure.
 */
#pragma once

#include <stdbool.h>

struct err;
struct pccs_platform;

enum { PCCS_URL_MAX = 512 };

enum pccs_kind {
	PCCS_ROOT_CRL,
	PCCS_PCK_CRL,
	PCCS_TCB_INFO,
	PCCS_QE_IDENTITY,
	PCCS_KIND_COUNT,
};

/*
 * What an operator wrote, as BASE: without slashes at the end, or the path that Intel's own
 * configuration files have there ("/sgx/certification/v4/").
 * Return: 0; ERR_INPUT for anything but https://HOST[:PORT][/PATH], or http:// where that may be:
 * on the loopback interface, elsewhere with @may_http.
 */
int pccs_url_base(const char *given, bool may_http, char ret[static PCCS_URL_MAX], struct err *e);

/* Does BASE name this host by its loopback interface?  Then there is no proxy before it. */
bool pccs_url_is_loopback(const char *base);

/* Return: 0 or ERR_INPUT if it is too long. */
int pccs_url_part(const char *base, enum pccs_kind kind, const struct pccs_platform *p,
		  char ret[static PCCS_URL_MAX], struct err *e);
