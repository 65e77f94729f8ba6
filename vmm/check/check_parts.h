/* SPDX-License-Identifier: Apache-2.0 */
/* check_parts: what the files of check share; nobody else's */
#pragma once

#include <limits.h>

#include "check/check.h"

struct buf;

enum { CHECK_TEXT_MAX = 1024 * 1024 };

/* Fill a row and return.  OK has no remedy. */
void check_ok(struct check_row *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_bad(struct check_row *r, enum check_state s, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* @path below the root.  Return: @dst; "" if it is too long. */
const char *check_path(const struct check_host *h, const char *path, char dst[static PATH_MAX]);

/* The text of a file below the root.  Return: 0 or negative. */
int check_read(const struct check_host *h, const char *path, struct buf *ret);

/* access() below the root. */
bool check_may(const struct check_host *h, const char *path, int mode);

/* A fact; "" or false without. */
const char *check_fact(const struct check_host *h, const char *key);
bool check_is(const struct check_host *h, const char *key);

/* A word of the flags of the first CPU. */
bool check_cpu_has(const struct check_host *h, const char *flag);

/* check_cpu.c */
void check_cpu_virtualization(const struct check_host *h, struct check_row *r);
void check_cpu_tdx(const struct check_host *h, struct check_row *r);
void check_kernel_tdx(const struct check_host *h, struct check_row *r);
void check_kvm(const struct check_host *h, struct check_row *r);
void check_entropy(const struct check_host *h, struct check_row *r);

/* check_hypervisor.c */
void check_baileyd(const struct check_host *h, struct check_row *r);
void check_qemu(const struct check_host *h, struct check_row *r);
void check_qemu_tdx(const struct check_host *h, struct check_row *r);
void check_libvirt(const struct check_host *h, struct check_row *r);
void check_libvirt_tdx(const struct check_host *h, struct check_row *r);
void check_vsock(const struct check_host *h, struct check_row *r);
void check_tools(const struct check_host *h, struct check_row *r);

/* check_keys.c */
void check_qgs(const struct check_host *h, struct check_row *r);
void check_sgx(const struct check_host *h, struct check_row *r);
void check_key_provider(const struct check_host *h, struct check_row *r);

/* check_room.c */
void check_disk(const struct check_host *h, struct check_row *r);
void check_file_system(const struct check_host *h, struct check_row *r);
void check_memory(const struct check_host *h, struct check_row *r);
void check_hugepages(const struct check_host *h, struct check_row *r);
void check_files(const struct check_host *h, struct check_row *r);
void check_cgroup(const struct check_host *h, struct check_row *r);
void check_clock(const struct check_host *h, struct check_row *r);
void check_ports(const struct check_host *h, struct check_row *r);

/* check_access.c */
void check_users(const struct check_host *h, struct check_row *r);
void check_folders(const struct check_host *h, struct check_row *r);

/* check_images.c */
void check_images(const struct check_host *h, struct check_row *r);
void check_images_tdx(const struct check_host *h, struct check_row *r);
