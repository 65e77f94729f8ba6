/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register_attested: who registers, by the attestation in its certificate rather than by what the KMS wrote into it
 *
 * For certificates without app info (dstack's guests before 0.5.6), and so that one that has both cannot say two things.
 * Off unless registration.attested names who is believed.
 *
 * Collateral comes from files, which an operator's timer fetches (`bailey collateral fetch`): to fetch it by itself would bring
 * libcurl and two dozen libraries into the process that the whole Internet touches.
 *
 * Owns     roots, collateral, what is known of certificates.
 * Trusts   roots, collateral files.  An attestation counts for the key of its certificate, which the handshake proved.
 *	    What the machine must measure is the document's in its vm_config, which its image's digest vouches for; ACPI
 *	    tables are its host's choice, as for bailey-kms with `acpi: claimed`.
 * Limits   GW_ATTESTED_MAX roots; one verification at a time, some 10 ms.
 * Thread   any; it blocks.
 */
#pragma once

#include <stddef.h>

struct register_attested;
struct err;
struct gw_registration;
struct register_asker;

/* Reads the roots, and tries to read the collateral.  Borrows @c.  NULL in *@ret if nothing is configured. */
int register_attested_new(const struct gw_registration *c, struct register_attested **ret,
			  struct err *e);

/* NULL is nothing. */
void register_attested_free(struct register_attested *a);

/*
 * @cert: DER of @n bytes with an attestation (.8).
 * Return: 0 and *@ret; negative with what is wrong: that it has app info which says another thing, too.
 */
int register_attested_ask(struct register_attested *a, const void *cert, size_t n,
			  struct register_asker *ret, struct err *e);
