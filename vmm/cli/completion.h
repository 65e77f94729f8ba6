/* SPDX-License-Identifier: Apache-2.0 */
/* completion: the script that completes bailey's command lines in bash, made of the tables that read them */
#pragma once

struct buf;
struct command;

/* Return: of buf_add(). */
int completion_bash(const struct command *table, struct buf *ret);
