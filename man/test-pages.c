/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-pages FOLDER: do bailey-api(7) and bailey-state(5) name every call, page, file key there is, and no other?
 *
 * The calls and pages are those of the OpenAPI document, the keys those that a full manifest and a full
 * state are written with.
 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "daemon/openapi.h"
#include "data/json.h"
#include "store/manifest.h"
#include "store/rmtree.h"
#include "store/state.h"

static unsigned int n_wrong;

static void load(const char *folder, const char *page, struct buf *ret)
{
	char path[512];

	assert(str_format(path, sizeof(path), "%s/%s", folder, page) > 0);
	assert(file_read(AT_FDCWD, path, 1 << 20, ret, NULL) == 0);
}

/* Has a line that begins with @start the word @what? */
static bool names(const struct buf *page, const char *start, const char *what)
{
	const char *line = (const char *)page->p, *end, *at;
	size_t n = strlen(what);

	for (; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, start, strlen(start)) != 0)
			continue;
		for (at = line; (at = strstr(at, what)) && at < end; at++) {
			if (at[-1] == ' ' && (at[n] == ' ' || at[n] == '\n'))
				return true;
		}
	}
	return false;
}

static void want(const struct buf *page, const char *where, const char *start, const char *what)
{
	if (names(page, start, what))
		return;
	(void)fprintf(stderr, "%s has no entry \"%s %s\"\n", where, start, what);
	n_wrong++;
}

static void test_every_call_and_page(const char *folder)
{
	auto_buf struct buf page = BUF_MAX(0);
	json_t *doc = openapi_document();
	const char *path, *at;
	size_t calls = 0, told = 0;
	json_t *unused;

	load(folder, "bailey-api.7", &page);
	json_object_foreach(json_object_get(doc, "paths"), path, unused) {
		bool is_call = str_starts(path, "/prpc/") || str_starts(path, "/guest/");

		calls += is_call;
		want(&page, "bailey-api(7)", is_call ? ".It Cm" : ".It Pa", path);
	}
	for (at = (const char *)page.p; (at = strstr(at, "\n.It Cm /")); at++)
		told++;
	assert(calls > 20);
	if (told != calls) {
		(void)fprintf(stderr, "bailey-api(7) has %zu calls, the daemon %zu\n", told, calls);
		n_wrong++;
	}
	json_decref(doc);
}

static void want_keys(const struct buf *page, int dirfd, const char *file)
{
	json_t *j = NULL, *unused;
	const char *key;

	assert(json_read_file(dirfd, file, 1 << 20, &j, NULL) == 0);
	json_object_foreach(j, key, unused)
		want(page, "bailey-state(5)", ".It Va", key);
	json_decref(j);
}

static void test_every_key(const char *folder)
{
	static const struct vm_state state = { .started = true,
					       .exit = VM_EXIT_CRASH,
					       .stop = VM_STOP_KILL,
					       .restart_attempts = 1,
					       .restart_gave_up = true,
					       .restart_due_ms = 1 };
	static const char manifest[] =
		"{\"id\":\"0a6e4c4e-3f6f-4b7c-9d51-3f5d8a1c2b3d\",\"name\":\"a\",\"app_id\":"
		"\"0000000000000000000000000000000000000000\",\"vcpu\":1,\"memory\":1,\"disk_"
		"size\":1,"
		"\"image\":\"i\",\"port_map\":[],\"created_at_ms\":1,\"simulated_tee\":\"tdx\","
		"\"networks\":[{\"mode\":\"user\"}]}";
	auto_buf struct buf page = BUF_MAX(0);
	char dir[] = "/tmp/b-pages-XXXXXX";
	struct manifest m = MANIFEST_NULL;
	struct err e = ERR_NONE;
	int fd;

	load(folder, "bailey-state.5", &page);
	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0 && vm_state_save(fd, &state, NULL) == 0);
	assert(file_replace(fd, "vm-manifest.json", 0600, manifest, strlen(manifest), NULL) == 0);
	if (manifest_load(fd, &m, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(e.code == 0 && manifest_save(fd, &m, NULL) == 0);
	want_keys(&page, fd, "vm-state.json");
	want_keys(&page, fd, "vm-manifest.json");
	manifest_deinit(&m);
	assert(close(fd) == 0 && rmtree(AT_FDCWD, dir, NULL, NULL) == 0);
}

int main(int argc, char **argv)
{
	assert(argc == 2);
	test_every_call_and_page(argv[1]);
	test_every_key(argv[1]);
	return n_wrong ? 1 : 0;
}
