/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

static void test_repositories(void)
{
	static const char *const good[] = {
		"dstacktee/guest-image", "ghcr.io/org/guest-image",	 "127.0.0.1:5000/a/b_c.d/e",
		"localhost/x",		 "Registry.example.com:65535/x", "image"
	};
	static const char *const bad[] = { "",
					   "/",
					   "a/",
					   "/a",
					   "a//b",
					   "a/../b",
					   "ghcr.io/",
					   "ghcr.io",
					   "ghcr.io/Upper",
					   "ghcr.io:0/a",
					   "ghcr.io:65536/a",
					   "ghcr.io:/a",
					   ":5000/a",
					   "-x.io/a",
					   "a b/c",
					   "a/b:tag",
					   "a/b@sha256:00",
					   "docker://a/b",
					   "a/-b",
					   "a/b-",
					   "a/b\n" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert(registry_repo_is_valid(good[i]) || str_equal(good[i], "ghcr.io"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(!registry_repo_is_valid(bad[i]) || str_equal(bad[i], "ghcr.io"));
	assert(registry_repo_is_loopback("127.0.0.1:5000/a") &&
	       registry_repo_is_loopback("localhost/a") &&
	       registry_repo_is_loopback("localhost:1/a"));
	assert(!registry_repo_is_loopback("127.0.0.1.example.com/a") &&
	       !registry_repo_is_loopback("localhost.example.com/a") &&
	       !registry_repo_is_loopback("localhosts") &&
	       !registry_repo_is_loopback("10.0.0.1/a"));
	assert(str_equal(registry_repo_of("https://a.b/c"), "a.b/c"));
}

static void test_tags(void)
{
	static const char *const bad[] = { "",	  ".",	 "..",	 "-x",	   ".x",   "a/b",
					   "a:b", "a b", "a..b", "--help", "\xff", "a\n" };
	char text[REGISTRY_TAG_MAX + 2], name[IMAGE_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(!registry_tag_is_valid(bad[i]));
	memset(text, 'a', sizeof(text));
	text[IMAGE_NAME_MAX - strlen("dstack-")] = 0;
	assert(registry_tag_is_valid(text));
	text[IMAGE_NAME_MAX - strlen("dstack-")] = 'a';
	text[IMAGE_NAME_MAX - strlen("dstack-") + 1] = 0;
	assert(!registry_tag_is_valid(text)); /* there could be no such image */
	registry_image_name("0.6.0", name);
	assert(str_equal(name, "dstack-0.6.0"));
	registry_image_name("dstack-dev-0.6.0", name);
	assert(str_equal(name, "dstack-dev-0.6.0"));
	registry_image_name("bailey-0.1.0", name);
	assert(str_equal(name, "bailey-0.1.0"));
}

static void same_argv(const struct registry_argv *a, const char *want)
{
	char got[2048] = "";
	size_t i, at = 0;

	for (i = 0; a->argv[i]; i++)
		at += (size_t)str_format(got + at, sizeof(got) - at, "%s%s", i ? " " : "",
					 a->argv[i]);
	assert(str_equal(got, want));
}

static void test_command_lines(void)
{
	struct registry_source s = {
		.repo = "127.0.0.1:5000/a/b", .is_insecure = true, .policy = "/p", .tmp = "/t"
	};
	static struct registry_argv a;

	registry_list_argv(&s, &a);
	same_argv(&a, "skopeo --policy /p --tmpdir /t --override-os linux --override-arch amd64 "
		      "list-tags "
		      "--tls-verify=false --no-creds docker://127.0.0.1:5000/a/b");
	registry_copy_argv(&s, "0.6.0", "/t/blobs", &a);
	same_argv(&a, "skopeo --policy /p --tmpdir /t --override-os linux --override-arch amd64 "
		      "copy --quiet "
		      "--dest-decompress --src-tls-verify=false --src-no-creds "
		      "docker://127.0.0.1:5000/a/b:0.6.0 dir:/t/blobs");
	s = (struct registry_source){
		.repo = "dstacktee/x", .auth_file = "/etc/a", .policy = "/p", .tmp = "/t"
	};
	registry_copy_argv(&s, "v", "/b", &a);
	same_argv(&a, "skopeo --policy /p --tmpdir /t --override-os linux --override-arch amd64 "
		      "copy --quiet "
		      "--dest-decompress --src-tls-verify=true --src-authfile /etc/a "
		      "docker://docker.io/dstacktee/x:v dir:/b");
}

static void test_lists_of_tags(void)
{
	static const char text[] =
		"{\"Repository\":\"r\",\"Tags\":[\"0.6.0\",\"sha256-00\",\"mr-sha256-0\","
		"\"../x\",7,\"dev-0.6.0\"]}";
	char **tags = NULL;
	size_t n = 9;

	assert(registry_read_tags(text, strlen(text), &tags, &n, NULL) == 0);
	assert(n == 2 && str_equal(tags[0], "0.6.0") && str_equal(tags[1], "dev-0.6.0"));
	registry_tags_free(tags, n);
	assert(registry_read_tags("{\"Tags\":null}", 13, &tags, &n, NULL) == 0 && n == 0);
	registry_tags_free(tags, n);
	assert(registry_read_tags("{", 1, &tags, &n, NULL) < 0);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_manifests(void)
{
	static const char good[] = "{\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":5}]}";
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"layers\":[]}",
		"{\"layers\":[{\"digest\":\"sha512:" HEX "\",\"size\":5}]}",
		"{\"layers\":[{\"digest\":\"sha256:../../x\",\"size\":5}]}",
		"{\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":-5}]}",
		"{\"layers\":[{\"digest\":\"sha256:" HEX "\"}]}",
		"{\"layers\":[7]}"
	};
	static struct registry_manifest m;
	auto_buf struct buf many = BUF_MAX(4096);
	size_t i;

	assert(registry_read_manifest(good, strlen(good), &m, NULL) == 0);
	assert(m.n == 1 && m.layers[0].size == 5 && m.layers[0].digest.b[1] == 0x23);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(registry_read_manifest(bad[i], strlen(bad[i]), &m, NULL) < 0);
	assert(buf_addf(&many, "{\"layers\":[0") == 0);
	for (i = 0; i < REGISTRY_LAYERS_MAX; i++)
		assert(buf_addf(&many, ",0") == 0);
	assert(buf_addf(&many, "]}") == 0);
	assert(registry_read_manifest(many.p, many.n, &m, NULL) == ERR_PROTO);
}

static void test_what_skopeo_says(void)
{
	static const char text[] = "time=\"x\" level=warning msg=\"first\"\n"
				   "time=\"x\" level=fatal msg=\"reading \\\"a\\\": \x1b[31mno\"\n";
	char said[REGISTRY_SAID_SIZE];

	assert(str_equal(registry_said(text, strlen(text), said), "reading \"a\": \\x1b[31mno"));
	assert(str_equal(registry_said("plain\n", 6, said), "plain"));
	assert(str_equal(registry_said("", 0, said), "nothing"));
	assert(str_equal(registry_said(NULL, 0, said), "nothing"));
}

int main(void)
{
	test_repositories();
	test_tags();
	test_command_lines();
	test_lists_of_tags();
	test_manifests();
	test_what_skopeo_says();
	return 0;
}
