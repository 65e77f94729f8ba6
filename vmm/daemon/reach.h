/* SPDX-License-Identifier: Apache-2.0 */
/* reach: can another user get to a folder of ours? */
#pragma once

struct err;

/*
 * May @user enter @path and each folder above it, as far as modes and groups say?
 * Return: 0; ERR_INPUT with the first folder that keeps it out, and what to do.
 */
int reach_check(const char *path, const char *user, struct err *e);
