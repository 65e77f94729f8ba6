/* SPDX-License-Identifier: Apache-2.0 */
/* time: clocks in milliseconds, and durations as people read them */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Monotonic milliseconds: for deadlines. */
uint64_t time_mono_ms(void);

/* Milliseconds since 1970, UTC: for records. */
uint64_t time_unix_ms(void);

/*
 * A duration as dstack prints it: "1m 2s", "2h 37m", "2days", "0s"; a year is
 * 31557600 s, a month 2630016 s.  @dst has at least 96 bytes.  Return: @dst.
 */
const char *time_duration(char *dst, size_t size, uint64_t seconds);

/* "2026-08-01T12:34:56Z".  @dst has at least 21 bytes.  Return: @dst. */
const char *time_rfc3339(char *dst, size_t size, uint64_t unix_seconds);
