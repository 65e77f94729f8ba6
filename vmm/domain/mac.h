/* SPDX-License-Identifier: Apache-2.0 */
/* mac: the address of a VM's NIC, a function of the VM's id so that it stays the same */
#pragma once

#include <stddef.h>

struct err;

enum { MAC_TEXT_SIZE = 18 };

/**
 * mac_of() - "16:36:2f:56:63:87"
 * @prefix: "52:54:00", up to three bytes in hex with colons; NULL or "": none
 *
 * Bytes after the prefix are those of SHA-256 of "<vm_id>" (NIC 0) or "<vm_id>:<index>"; the first byte is made
 * unicast and locally administered.
 *
 * Return: 0, or ERR_INPUT if @prefix is not one.
 */
int mac_of(const char *vm_id, const char *prefix, size_t index, char ret[static MAC_TEXT_SIZE],
	   struct err *e);
