/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/rmtree.h"

static char store[] = "/tmp/test-image_store-XXXXXX";

static void make(const char *name, const char *file)
{
	auto_free char *dir = xasprintf("%s/%s", store, name);
	auto_free char *path = xasprintf("%s/%s", dir, file);

	assert(mkdir(dir, 0755) == 0 || errno == EEXIST);
	assert(file_replace(AT_FDCWD, path, 0644, "{}", 2, NULL) == 0);
}

static bool is_there(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", store, name);

	return access(path, F_OK) == 0;
}

static void refuses(const char *name, int rc, const char *text)
{
	char aside[IMAGE_STORE_ASIDE_SIZE];
	struct err e = ERR_NONE;

	assert(image_store_hide(store, name, aside, &e) == rc && strstr(e.text, text));
}

static void test_an_image_goes_whole(void)
{
	char aside[IMAGE_STORE_ASIDE_SIZE];

	make("good", "metadata.json");
	make("good", "bzImage");
	make("good/sub", "file");
	assert(image_store_hide(store, "good", aside, NULL) == 0);
	assert(!is_there("good") && is_there(aside) && aside[0] == '.');
	assert(image_store_delete(store, aside, NULL) == 0);
	assert(!is_there(aside));
	refuses("good", ERR_NOT_FOUND, "image 'good' not found");
}

static void test_what_is_no_image_stays(void)
{
	static const char *const bad[] = { "",	      ".",   "..",	"../x",	    "a/b",
					   ".hidden", "a..", ".gone-x", "\xff\xfe", "a b" };
	auto_free char *link = xasprintf("%s/link", store);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(bad[i], ERR_INPUT, "invalid image name");
	make("other", "notes.txt");
	refuses("other", ERR_CONFLICT, "no metadata.json");
	make("real", "metadata.json");
	assert(symlink("real", link) == 0);
	refuses("link", ERR_CONFLICT, "by hand");
	assert(is_there("other/notes.txt") && is_there("real/metadata.json") && is_there("link"));
}

static void test_a_sweep_ends_what_a_crash_began(void)
{
	char aside[IMAGE_STORE_ASIDE_SIZE];
	auto_free char *link = xasprintf("%s/.gone-link-00000000", store);

	make("half", "metadata.json");
	assert(image_store_hide(store, "half", aside, NULL) == 0);
	assert(symlink("real", link) == 0);
	make(".mine", "metadata.json");
	assert(image_store_sweep(store, NULL) == 0);
	assert(!is_there(aside));
	assert(is_there("real/metadata.json") && is_there(".gone-link-00000000") &&
	       is_there(".mine") && is_there("other"));
	assert(image_store_sweep("/nonexistent", NULL) == -ENOENT);
}

int main(void)
{
	assert(mkdtemp(store));
	test_an_image_goes_whole();
	test_what_is_no_image_stays();
	test_a_sweep_ends_what_a_crash_began();
	assert(rmtree(AT_FDCWD, store, NULL, NULL) == 0);
	return 0;
}
