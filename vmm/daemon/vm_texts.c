/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that changed less than RACY_NS ago may change again within the same tick of its clock, unseen;
 * what was read of it then is not kept.
 */
#include "daemon/vm_texts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "data/app_compose.h"

enum { ENV_MAX = 256 * 1024, USER_CONFIG_MAX = 50 * 1024 * 1024 };

#define NS_PER_S INT64_C(1000000000)
#define RACY_NS	 (NS_PER_S / 10)

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

/* Return: is it long enough ago, and not in the future, that a later change is sure to differ? */
static bool is_settled(const struct timespec *changed)
{
	struct timespec now;
	int64_t age;

	if (clock_gettime(CLOCK_REALTIME, &now))
		return false;
	age = ns_of(&now) - ns_of(changed);
	return age > RACY_NS;
}

static char *text(const struct vm *vm, const char *path, size_t max)
{
	auto_buf struct buf b = BUF_MAX(0);

	if (file_read(vm->dirfd, path, max, &b, NULL) || !str_is_utf8(b.p, b.n) ||
	    memchr(b.p, 0, b.n))
		return xstrdup("");
	return buf_take_str(&b);
}

static struct vm_texts read_all(const struct vm *vm)
{
	auto_buf struct buf env = BUF_MAX(0);
	struct vm_texts t = { .n_env = 0 };

	t.compose = text(vm, "shared/app-compose.json", APP_COMPOSE_MAX);
	t.user_config = text(vm, "shared/.user-config", USER_CONFIG_MAX);
	if (!file_read(vm->dirfd, "shared/.encrypted-env", ENV_MAX, &env, NULL) && env.n) {
		t.env = steal_ptr(&env.p);
		t.n_env = env.n;
	}
	return t;
}

static void put_away(struct vm_texts *t)
{
	free(t->compose);
	free(t->user_config);
	free(t->env);
	*t = (struct vm_texts){ .n_env = 0 };
}

static struct vm_texts lend(struct vm_texts *t, struct scratch *s)
{
	struct vm_texts out = {
		.compose = scratch_str(s, t->compose),
		.user_config = scratch_str(s, t->user_config),
		.n_env = t->n_env,
	};

	if (t->n_env)
		out.env = memcpy(scratch_alloc(s, t->n_env, 1), t->env, t->n_env);
	put_away(t);
	return out;
}

bool vm_texts_are_kept(const struct vm_texts_kept *k)
{
	return k->is_valid || k->is_held;
}

void vm_texts_drop_encoded(struct vm_texts_kept *k)
{
	buf_deinit(&k->json);
	buf_deinit(&k->bytes);
}

void vm_texts_forget(struct vm_texts_kept *k)
{
	vm_texts_drop_encoded(k);
	put_away(&k->texts);
	k->folder = fd_close(k->folder);
	k->is_valid = k->is_held = false;
}

void vm_texts_hold(const struct vm *vm)
{
	vm_texts_forget(vm->texts);
	vm->texts->texts = read_all(vm);
	vm->texts->is_held = true;
}

/* The folder as it is now; all zero if there is none. */
static struct stat look(const struct vm *vm, struct vm_texts_kept *k)
{
	struct stat st;

	if (k->folder >= 0 && fstat(k->folder, &st) == 0 && st.st_nlink)
		return st;
	(void)fd_close(k->folder);
	k->folder = openat(vm->dirfd, "shared", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (k->folder < 0 || fstat(k->folder, &st))
		memset(&st, 0, sizeof(st));
	return st;
}

struct vm_texts vm_texts(const struct vm *vm, struct scratch *s)
{
	struct vm_texts_kept *k = vm->texts;
	struct vm_texts now;
	struct stat st;

	if (k->is_held)
		return k->texts;
	st = look(vm, k);
	if (k->is_valid && ns_of(&k->changed) == ns_of(&st.st_mtim))
		return k->texts;
	vm_texts_forget(k);
	now = read_all(vm);
	if (!is_settled(&st.st_mtim) ||
	    strlen(now.compose) + strlen(now.user_config) + now.n_env > VM_TEXTS_KEPT)
		return lend(&now, s);
	k->texts = now;
	k->changed = st.st_mtim;
	k->is_valid = true;
	return now;
}
