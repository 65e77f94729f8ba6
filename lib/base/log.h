/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line a time to stderr, with the priority in front for systemd
 *
 * Each line begins with its subject ("vm 'db-1': ...").  A peer's text goes
 * through str_escape() first; as a last line of defence control bytes in the
 * finished line are replaced, so a line is always one line.
 */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3, /* someone must act */
	LOG_LEVEL_WARN = 4,  /* we coped */
	LOG_LEVEL_INFO = 6,  /* a state changed */
	LOG_LEVEL_DEBUG = 7,
};

/* Show lines up to @level.  Priorities are printed as <N> unless stderr is a terminal. */
void log_init(enum log_level level);

/* Another level, from any thread. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
