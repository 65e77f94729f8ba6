/* SPDX-License-Identifier: Apache-2.0 */
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

enum { STATE_MAX = 64 * 1024 };

static const char file_name[] = "vm-state.json";

int vm_state_load(int dirfd, struct vm_state *ret, struct err *e)
{
	json_t *j = NULL;
	int rc;

	*ret = (struct vm_state){ .started = false };
	rc = json_read_file(dirfd, file_name, STATE_MAX, &j, e);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return err_wrap(e, ERR_CORRUPT, "cannot read the state");
	if (!json_is_object(j)) {
		json_decref(j);
		return err_set(e, ERR_CORRUPT, "%s: must be an object", file_name);
	}
	ret->started = json_get_bool(j, "started", false);
	ret->running = json_get_bool(j, "running", false);
	ret->cid = (uint32_t)(json_get_u64(j, "cid", 0) & UINT32_MAX);
	ret->generation = json_get_u64(j, "generation", 0);
	ret->started_at_ms = json_get_u64(j, "started_at_ms", 0);
	ret->exited_at_ms = json_get_u64(j, "exited_at_ms", 0);
	(void)str_copy(ret->boot_id, sizeof(ret->boot_id), json_get_str(j, "boot_id", ""));
	json_decref(j);
	return 0;
}

int vm_state_save(int dirfd, const struct vm_state *s, struct err *e)
{
	json_t *j =
		json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:s}", "started", s->started, "running",
			  s->running, "cid", (json_int_t)s->cid, "generation",
			  (json_int_t)s->generation, "started_at_ms", (json_int_t)s->started_at_ms,
			  "exited_at_ms", (json_int_t)s->exited_at_ms, "boot_id", s->boot_id);
	int rc;

	if (!j)
		return err_set(e, -ENOMEM, "out of memory");
	rc = json_write_file(dirfd, file_name, 0600, j, e);
	json_decref(j);
	return rc;
}

void vm_state_host_boot(char ret[static 37])
{
	auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, ret, 36);

	ret[n == 36 ? 36 : 0] = 0;
}
