/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qtest: what QEMU answers to its test protocol, and the directory of its firmware files
 *
 * Pure.
 *
 * Trusts   nothing of what is read.
 * Wire     QEMU's system/qtest.c ("IN" and "OUT" of its head comment) and docs/specs/fw_cfg.rst.  A command is a
 *	     line, its answer another: "OK", "OK 0x...", "FAIL ...", "ERR ..."; lines "IRQ ..." come unasked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	QTEST_READ_MAX = 64 * 1024, /* bytes of one read command */
	QTEST_LINE_MAX = 2 * QTEST_READ_MAX + 64,
	FW_CFG_DIRECTORY = 0x19, /* selector */
	FW_CFG_FIRST_FILE = 0x20,
	FW_CFG_FILES_MAX = 256,
	FW_CFG_ENTRY_SIZE = 64,
};

/**
 * qtest_reply() - read the line @p of @n bytes, without its end
 * @ret: NULL, or room for @want bytes that a read command gives
 *
 * Return: 1; 0 for a line that answers nothing; ERR_PROTO: not what the command gives.
 */
int qtest_reply(const char *p, size_t n, uint8_t *ret, size_t want, struct err *e);

struct fw_cfg_file {
	uint16_t key; /* selector */
	uint32_t size;
};

/* How many files the first four bytes of a directory announce.  Return: 0, ERR_PROTO, ERR_LIMIT. */
int fw_cfg_count(const uint8_t p[static 4], uint32_t *ret, struct err *e);

/* The file @name of a directory of @n bytes.  Return: 0; ERR_NOT_FOUND; ERR_PROTO: no directory. */
int fw_cfg_find(const uint8_t *p, size_t n, const char *name, struct fw_cfg_file *ret,
		struct err *e);
