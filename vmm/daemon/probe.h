/* SPDX-License-Identifier: Apache-2.0 */
/* probe: look at this host as the daemon would, and tell; serves nobody, changes nothing that lasts */
#pragma once

struct config;

/*
 * Open the hypervisor in a folder of its own that is gone after, and print the facts to stdout as one
 * line of JSON; "error" among them says what failed.  Return: an exit status.
 */
int probe(const struct config *c);
