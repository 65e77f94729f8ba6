/* SPDX-License-Identifier: Apache-2.0 */
/*
 * td_json: what a simulated TD is to say of itself, as an object of JSON
 *
 * Wire     the members of "report" as bailey verify tells them, each hex of its size: mrtd, rtmr0 to rtmr3,
 *	    mrconfigid, mrowner, mrownerconfig, report_data, tee_tcb_svn, mrseam, mrsignerseam,
 *	    seam_attributes, and as one number each xfam and attributes.  With tee_tcb_svn2 or mrservicetd it is
 *	    a TD 1.5 and the quote of version 5.  Null is as good as absent; other members are refused.
 */
#pragma once

#include <jansson.h>

struct err;
struct simulator_td;

/* @ret was initialised.  Return: 0, or ERR_INPUT with the member at fault. */
int td_json_read(const json_t *j, struct simulator_td *ret, struct err *e);
