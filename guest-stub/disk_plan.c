/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_plan.h"

#include "base/err.h"
#include "guest-stub/disk_content.h"

/* Is there nothing on it, or nothing that anybody could still read? */
static bool is_free(const struct disk_state *s)
{
	switch (s->content) {
	case DISK_BLANK:
		return true;
	case DISK_ZERO_FRONT:
		return s->mark != DISK_MARK_NONE || s->end_mark == DISK_MARK_UNFINISHED;
	case DISK_LUKS:
		return s->mark == DISK_MARK_UNFINISHED;
	case DISK_EXT4:
		return s->end_mark == DISK_MARK_UNFINISHED;
	case DISK_OTHER:
	case DISK_CONTENT_COUNT:
	default:
		return false;
	}
}

static enum disk_plan plan_to_make(const struct disk_wish *w)
{
	if (!w->is_encrypted)
		return DISK_MAKE_PLAIN;
	return w->is_key_kept ? DISK_MAKE_LUKS : DISK_MAKE_FLEETING;
}

static int refuse(const struct disk_state *s, const char *why, struct err *e)
{
	return err_set(e, ERR_PROTO,
		       "it holds %s, %s: nothing on it was changed; give the VM an empty disk",
		       disk_content_name(s->content), why);
}

int disk_plan_make(const struct disk_state *s, const struct disk_wish *w, enum disk_plan *ret,
		   struct err *e)
{
	if (is_free(s)) {
		*ret = plan_to_make(w);
		return 0;
	}
	if (s->content == DISK_LUKS && !w->is_encrypted)
		return refuse(s, "and the kernel command line says dstack.storage_encrypted=0", e);
	if (s->content == DISK_LUKS && !w->is_key_kept)
		return refuse(s, "and key provider none has no key that could open it", e);
	if (s->content == DISK_EXT4 && w->is_encrypted)
		return refuse(s, "and the data disk is to be encrypted", e);
	if (s->content != DISK_LUKS && s->content != DISK_EXT4)
		return refuse(s, "which is not a data disk's", e);
	*ret = s->content == DISK_LUKS ? DISK_OPEN_LUKS : DISK_OPEN_PLAIN;
	return 0;
}
