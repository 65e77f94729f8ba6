/* SPDX-License-Identifier: Apache-2.0 */
/* net: the loopback interface up, and DHCP on the first network card */
#pragma once

struct err;
struct supervisor;

/* Loopback up; where there is a card, start its DHCP client.  Return: 1 started, 0 no card, or negative. */
int net_start(struct supervisor *s, struct err *e);

/* Wait until the card has an address.  Return: 0; ERR_MISSING if nobody gave one; -ECANCELED on a stop. */
int net_wait(struct supervisor *s, struct err *e);
