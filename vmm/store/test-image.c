/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "store/rmtree.h"

#define METADATA                                                                                   \
	"{\"kernel\":\"bzImage\",\"initrd\":\"initrd\",\"bios\":\"ovmf.fd\",\"version\":\"0.6."    \
	"0\","                                                                                     \
	"\"cmdline\":\"console=ttyS0\",\"is_dev\":true}"

static char store[] = "/tmp/test-image-XXXXXX";

static void put(const char *image, const char *name, const char *text)
{
	auto_free char *path = xasprintf("%s/%s/%s", store, image, name);

	assert(file_replace(AT_FDCWD, path, 0644, text, strlen(text), NULL) == 0);
}

/* The files back in time, so that they count as settled. */
static void settle(const char *image, const char *name)
{
	const struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	auto_free char *path = xasprintf("%s/%s/%s", store, image, name);

	assert(utimensat(AT_FDCWD, path, old, 0) == 0);
}

/* sha256sum.txt of the given files, and digest.txt of it. */
static void seal(const char *image, const char *const *names)
{
	auto_buf struct buf sums = BUF_MAX(IMAGE_SUMS_MAX), b = BUF_MAX(0);
	struct digest256 d;
	char hex[65];

	for (; *names; names++) {
		auto_free char *path = xasprintf("%s/%s/%s", store, image, *names);

		assert(file_read(AT_FDCWD, path, 65536, &b, NULL) == 0);
		d = digest256_bytes(b.p, b.n);
		str_hex(hex, d.b, sizeof(d.b));
		assert(buf_addf(&sums, "%s  %s\n", hex, *names) == 0);
		buf_deinit(&b);
	}
	put(image, "sha256sum.txt", (const char *)sums.p);
	d = digest256_bytes(sums.p, sums.n);
	str_hex(hex, d.b, sizeof(d.b));
	put(image, "digest.txt", hex);
}

static const char *const listed[] = { "bzImage", "initrd", "ovmf.fd", "metadata.json", NULL };

static void make(const char *image)
{
	auto_free char *path = xasprintf("%s/%s", store, image);

	assert(file_mkdir(AT_FDCWD, path, 0755, NULL) == 0);
	put(image, "metadata.json", METADATA);
	put(image, "bzImage", "kernel");
	put(image, "initrd", "initrd");
	put(image, "ovmf.fd", "bios");
	put(image, "measurement.tdx.cbor", "cbor");
	seal(image, listed);
}

static void test_a_whole_image_loads_and_checks(void)
{
	struct image_cache *c = image_cache_new();
	struct image *im;

	make("dstack-1.2.3");
	assert(image_load(store, "dstack-1.2.3", &im, NULL) == 0);
	assert(str_ends(im->kernel, "/dstack-1.2.3/bzImage") && str_ends(im->initrd, "/initrd"));
	assert(str_ends(im->bios, "/ovmf.fd") && !im->rootfs && !im->hda && !im->bios_sev);
	assert(str_equal(im->cmdline, "console=ttyS0") && im->is_dev && !im->shared_ro);
	assert(im->version.minor == 6 && strlen(im->digest) == 64);
	assert(im->sums.n && im->tdx_measurement.n == 4);
	assert(image_is_at_least(im, 0, 5, 2) && image_is_at_least(im, 0, 6, 0) &&
	       !image_is_at_least(im, 0, 6, 1) && !image_is_at_least(im, 1, 0, 0));
	assert(image_check(im, NULL, NULL) == 0);
	assert(image_check(im, c, NULL) == 0);
	image_free(im);
	image_cache_free(c);
}

static void test_nothing_starts_in_a_stand_in(void)
{
	struct image *im;

	make("stands-1.2.3");
	assert(image_load(store, "stands-1.2.3", &im, NULL) == 0);
	assert(str_equal(image_firmware(im), im->bios));
	image_free(im);
	put("stands-1.2.3", "stand-in.fd", "bios");
	put("stands-1.2.3", "metadata.json",
	    "{\"kernel\":\"bzImage\",\"initrd\":\"initrd\",\"bios\":\"stand-in.fd\"}");
	assert(image_load(store, "stands-1.2.3", &im, NULL) == 0);
	assert(im->bios && !image_firmware(im));
	image_free(im);
}

static void refuses_check(const char *image, int rc, const char *text)
{
	struct err e = ERR_NONE;
	struct image *im;

	assert(image_load(store, image, &im, NULL) == 0);
	assert(image_check(im, NULL, &e) == rc);
	if (!strstr(e.text, text)) {
		(void)fprintf(stderr, "\"%s\" does not say \"%s\"\n", e.text, text);
		abort();
	}
	image_free(im);
}

static void test_each_broken_link_of_the_chain_is_found(void)
{
	static const char *const few[] = { "bzImage", "initrd", "metadata.json", NULL };
	static const char *const gone[] = { "bzImage",	     "initrd", "ovmf.fd",
					    "metadata.json", "extra",  NULL };
	auto_free char *extra = xasprintf("%s/a/extra", store),
		       *sums = xasprintf("%s/a/sha256sum.txt", store),
		       *digest = xasprintf("%s/a/digest.txt", store);

	make("a");
	put("a", "initrd", "Initrd");
	refuses_check("a", ERR_CORRUPT, "'initrd' is not the file");
	put("a", "initrd", "initrd");
	put("a", "metadata.json", METADATA " ");
	refuses_check("a", ERR_CORRUPT, "'metadata.json' is not the file");
	put("a", "metadata.json", METADATA);
	seal("a", few);
	refuses_check("a", ERR_CORRUPT, "'ovmf.fd' is not listed");
	put("a", "extra", "x");
	seal("a", gone);
	assert(unlink(extra) == 0);
	refuses_check("a", ERR_CORRUPT, "'extra' cannot be opened");
	assert(mkfifo(extra, 0600) == 0);
	refuses_check("a", ERR_CORRUPT, "not a regular file");
	assert(unlink(extra) == 0 && symlink("bzImage", extra) == 0);
	refuses_check("a", ERR_CORRUPT, "'extra' cannot be opened");
	put("a", "digest.txt",
	    "0000000000000000000000000000000000000000000000000000000000000000\n");
	refuses_check("a", ERR_CORRUPT, "sha256sum.txt is not the file");
	put("a", "digest.txt", "zz");
	refuses_check("a", ERR_MISSING, "digest.txt");
	assert(unlink(digest) == 0);
	refuses_check("a", ERR_MISSING, "digest.txt");
	assert(unlink(sums) == 0);
	refuses_check("a", ERR_MISSING, "sha256sum.txt");
}

static void test_the_cache_sees_a_change(void)
{
	struct image_cache *c = image_cache_new();
	struct image *im;
	struct err e;

	make("cached");
	settle("cached", "bzImage");
	assert(image_load(store, "cached", &im, NULL) == 0);
	assert(image_check(im, c, NULL) == 0 && image_check(im, c, NULL) == 0);
	put("cached", "bzImage", "Kernel"); /* the same length, and the same mtime */
	settle("cached", "bzImage");
	assert(image_check(im, c, &e) == ERR_CORRUPT && strstr(e.text, "bzImage"));
	image_free(im);
	image_cache_free(c);
}

static void refuses_load(const char *image, int rc, const char *text)
{
	struct image *im = NULL;
	struct err e = ERR_NONE;

	assert(image_load(store, image, &im, &e) == rc && !im);
	if (!strstr(e.text, text)) {
		(void)fprintf(stderr, "\"%s\" does not say \"%s\"\n", e.text, text);
		abort();
	}
}

static void test_names(void)
{
	static const char *const bad[] = { "",	  ".",	  "..",	 "a/b", "../a", "a b",
					   "a\n", "\xff", "a:b", ".a",	"a..b" };
	char text[IMAGE_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses_load(bad[i], ERR_INPUT, "Invalid image name");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert(!image_name_is_valid(text));
	assert(image_name_is_valid(text + 1) && image_name_is_valid("dstack-0.6.0_x"));
	refuses_load("absent", ERR_NOT_FOUND, "no image 'absent'");
}

static void test_artifacts_stay_inside(void)
{
	auto_free char *kernel = xasprintf("%s/inside/bzImage", store);

	make("inside");
	put("inside", "metadata.json", "{\"kernel\":\"../a/bzImage\",\"initrd\":\"initrd\"}");
	refuses_load("inside", ERR_CORRUPT, "Kernel escapes image directory");
	put("inside", "metadata.json", "{\"kernel\":\"/etc/passwd\",\"initrd\":\"initrd\"}");
	refuses_load("inside", ERR_CORRUPT, "Kernel does not exist");
	put("inside", "metadata.json", "{\"kernel\":\"bzImage\",\"initrd\":\"none\"}");
	refuses_load("inside", ERR_CORRUPT, "Initrd does not exist");
	put("inside", "metadata.json", "{\"kernel\":\"bzImage\",\"initrd\":\".\"}");
	refuses_load("inside", ERR_CORRUPT, "Initrd escapes");
	put("inside", "metadata.json",
	    "{\"kernel\":\"bzImage\",\"initrd\":\"initrd\",\"bios\":\"sub\"}");
	{
		auto_free char *sub = xasprintf("%s/inside/sub", store);

		assert(mkdir(sub, 0755) == 0);
	}
	refuses_load("inside", ERR_CORRUPT, "Bios is not a file");
	put("inside", "metadata.json", METADATA);
	assert(unlink(kernel) == 0 && symlink("/etc/passwd", kernel) == 0);
	refuses_load("inside", ERR_CORRUPT, "Kernel escapes image directory");
	put("inside", "metadata.json", "{");
	refuses_load("inside", ERR_CORRUPT, "metadata.json");
}

static size_t n_skipped;

static void on_skipped(void *arg, const char *name, const struct err *why)
{
	(void)arg;
	assert(str_equal(name, "inside") || str_equal(name, "empty"));
	assert(why->text[0]);
	n_skipped++;
}

static void test_a_list_is_sorted_and_skips_what_does_not_load(void)
{
	auto_free char *empty = xasprintf("%s/empty", store);
	struct image **list;
	size_t n;

	assert(mkdir(empty, 0755) == 0);
	assert(image_list(store, &list, &n, on_skipped, NULL, NULL) == 0);
	assert(n == 3 && n_skipped == 2);
	assert(str_equal(list[0]->name, "a") && str_equal(list[1]->name, "cached") &&
	       str_equal(list[2]->name, "dstack-1.2.3"));
	image_list_free(list, n);
	assert(image_list("/nonexistent", &list, &n, NULL, NULL, NULL) == 0 && n == 0);
	image_list_free(list, n);
}

static void test_an_oversize_file_is_refused(void)
{
	auto_free char *big = xcalloc(1, IMAGE_METADATA_MAX + 2);

	memset(big, ' ', IMAGE_METADATA_MAX + 1);
	make("big");
	put("big", "sha256sum.txt", big);
	refuses_load("big", ERR_CORRUPT, "sha256sum.txt");
	put("big", "metadata.json", big);
	refuses_load("big", ERR_CORRUPT, "metadata.json");
}

int main(void)
{
	assert(mkdtemp(store));
	test_a_whole_image_loads_and_checks();
	test_each_broken_link_of_the_chain_is_found();
	test_the_cache_sees_a_change();
	test_names();
	test_artifacts_stay_inside();
	test_a_list_is_sorted_and_skips_what_does_not_load();
	test_nothing_starts_in_a_stand_in();
	test_an_oversize_file_is_refused();
	assert(rmtree(AT_FDCWD, store, NULL, NULL) == 0);
	return 0;
}
