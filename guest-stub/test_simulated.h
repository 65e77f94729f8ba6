/* SPDX-License-Identifier: Apache-2.0 */
/* test_simulated: a folder in which a simulated TD has been booted as far as boot-mr-done */
#pragma once

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/share.h"
#include "tee/runtime_log.h"

#define TEST_SIMULATED_HEX16 "00112233445566778899aabbccddeeff"
#define TEST_SIMULATED_HEX48 TEST_SIMULATED_HEX16 TEST_SIMULATED_HEX16 TEST_SIMULATED_HEX16
#define TEST_SIMULATED                                                                             \
	"{\"platform\":\"dstack-tdx\",\"mock_attestation_seed\":\"" TEST_SIMULATED_HEX16           \
		TEST_SIMULATED_HEX16 "\",\"bailey\":{\"mrtd\":\"" TEST_SIMULATED_HEX48             \
	"\",\"mrconfigid\":\"" TEST_SIMULATED_HEX48                                                \
	"\",\"events\":[{\"imr\":0,\"event_type\":10,\"digest\":\"" TEST_SIMULATED_HEX48           \
	"\",\"event\":\"acpi-loader\"}]}}"

struct test_simulated {
	char dir[32];
	int fd; /* share and log in one */
	struct guest_tee tee;
};

static inline void test_simulated_put(struct test_simulated *s, const char *name, const char *text)
{
	assert(file_replace(s->fd, name, 0600, text, strlen(text), NULL) == 0);
}

static inline void test_simulated_init(struct test_simulated *s)
{
	*s = (struct test_simulated){ .dir = "/tmp/b-sim-XXXXXX" };
	assert(mkdtemp(s->dir));
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(s->fd >= 0);
	test_simulated_put(s, SHARE_TEE_SIMULATOR, TEST_SIMULATED);
	assert(guest_tee_init(&s->tee, s->fd, s->fd, NULL) == 0);
	assert(guest_tee_boot(&s->tee, NULL) == 0 && runtime_log_init(s->fd, 1, NULL) == 0);
	assert(runtime_log_emit(s->fd, &s->tee.tee, "boot-mr-done", NULL, 0, NULL) == 0);
}

static inline void test_simulated_deinit(struct test_simulated *s)
{
	DIR *d = opendir(s->dir);
	const struct dirent *entry;

	guest_tee_deinit(&s->tee);
	while (d && (entry = readdir(d)))
		(void)unlinkat(s->fd, entry->d_name, 0);
	(void)closedir(d);
	s->fd = fd_close(s->fd);
	assert(rmdir(s->dir) == 0);
}
