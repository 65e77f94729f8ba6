/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk-drill: data_disk_open() as the boot calls it, for a script that stands in for the boot
 *
 *	disk-drill FILL [FS [SWAP]]	open the disk with a key of 32 bytes FILL (hex), "none": with no lasting key
 *
 * Prints "open: ..." and the outcome; the disk stays open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "guest-stub/data_disk.h"
#include "guest-stub/notices.h"
#include "guest-stub/supervisor.h"

#define MOUNT_POINT "/dstack/persistent"

int main(int argc, char **argv)
{
	uint8_t key[DATA_DISK_KEY_SIZE] = { 0 }, fill = 0;
	struct notices notices = { .fd = -1 };
	struct supervisor s;
	struct data_disk_args a = {
		.key = key, .mount_point = MOUNT_POINT, .supervisor = &s, .notices = &notices
	};
	struct data_disk got;
	struct err e = ERR_NONE;

	log_init(LOG_LEVEL_INFO);
	if (argc < 2 || supervisor_init(&s, &e) < 0)
		return EXIT_FAILURE;
	a.is_key_kept = str_unhex(&fill, 1, argv[1]) == 0;
	memset(key, fill, sizeof(key));
	if (argc > 2 && argv[2][0])
		a.storage_fs = argv[2];
	if (argc > 3 && num_parse_size(argv[3], 0, UINT64_MAX, &a.swap_size) < 0)
		return EXIT_FAILURE;
	if (data_disk_open(&a, &got, &e) < 0) {
		(void)printf("open: refused: %s\n", e.text);
		return EXIT_FAILURE;
	}
	(void)printf("open: fs=%s%s%s%s\n", got.fs ? got.fs : "none", got.is_new ? " new" : "",
		     got.is_encrypted ? " encrypted" : "", got.has_swap ? " swap" : "");
	return EXIT_SUCCESS;
}
