/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firmware: what an event that firmware, boot loader or kernel measured is of, and whether its data bears it out
 *
 * Pure.  Trusts nothing: a name is what an event claims to be; only registers and digests prove it.
 * Wire     the TCG's event types as EDK2, shim, GRUB and Linux's EFI stub fill them in.  Logs of which the data
 *	    was taken away (GetQuote's) are told by type, digest and order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

struct firmware_event {
	unsigned int imr; /* 0 to 2 */
	uint32_t type;
	struct digest384 digest;
	const uint8_t *data; /* may be absent */
	size_t n_data;
};

/* How many of each kind came before, for those that only order tells apart.  Zeros at a log's beginning. */
struct firmware_before {
	unsigned int events[3]; /* of each register */
	unsigned int acpi, config, boot, tags;
};

/*
 * The event's name, static: one of measurement.h's where it can be one, else what its type says.  Events are
 * asked about in their order, each once.
 */
const char *firmware_name(const struct firmware_event *ev, struct firmware_before *before);

/* Is the digest not that of the data, for types whose digest is made of data that the log has? */
bool firmware_lies(const struct firmware_event *ev);

enum { FIRMWARE_TEXT_SIZE = 200 };

/* What the data says, for people: escaped, perhaps "".  Return: @dst. */
const char *firmware_text(const struct firmware_event *ev, char dst[static FIRMWARE_TEXT_SIZE]);
