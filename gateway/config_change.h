/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_change: another configuration while the gateway runs: what counts at once, and what takes a restart
 *
 * Pure but for its memory.
 */
#pragma once

#include <stddef.h>

struct err;
struct gw_config;

/* Short texts for people, each once; the caller's, for words_deinit(). */
struct words {
	char **list;
	size_t n;
};

void words_deinit(struct words *w);
void words_add(struct words *w, const char *text);

/* Keys whose new value takes a restart, and those that count at once; "dns" is all below it.  Ended by NULL. */
extern const char *const config_change_fixed[], *const config_change_live[];

/*
 * @next takes the place of @now.  What cannot be another while we run is made what it is in @first, with which it
 * began and which must outlive @next.  Names of keys are added to @changed (other than in @now, from now on) and @fixed
 * (other than in @first, which goes on).
 * Return: 0; ERR_INPUT: it cannot be taken at all.
 */
int config_change_take(const struct gw_config *first, const struct gw_config *now,
		       struct gw_config *next, struct words *changed, struct words *fixed,
		       struct err *e);
