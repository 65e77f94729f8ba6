/* SPDX-License-Identifier: Apache-2.0 */
/* Test seal_note and env_file: what is noted of a sealing, and what is believed of a note. */
#undef NDEBUG
#include "cli/seal_note.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/env_file.h"

#define ID     "0a1b2c3d-test"
#define SEALED "00112233"

static char scratch[] = "/tmp/b-note-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	assert(str_format(path, sizeof(path), "%s/%s", scratch, name) > 0);
	return path;
}

static void write_text(const char *name, const char *text)
{
	assert(file_replace(AT_FDCWD, path_of(name), 0600, text, strlen(text), NULL) == 0);
}

static struct env_file *file_of(const char *text)
{
	struct env_file *f = NULL;

	write_text("env", text);
	assert(env_file_read(path_of("env"), &f, NULL) == 0);
	return f;
}

static void test_a_note_knows_what_was_sealed(void)
{
	struct env_file *f = file_of("A=1\n"), *same = file_of("# no change\nexport A='1'\n");
	struct env_file *other = file_of("A=2\n");
	struct seal_note n = { .name = "web" }, got;
	uint8_t elsewhere[K256_PUBLIC] = { 2 };
	struct stat st;

	memset(n.app_id, 0x11, sizeof(n.app_id));
	memset(n.signer, 0x03, sizeof(n.signer));
	seal_note_take(&n, f, SEALED);
	assert(seal_note_write(ID, &n, NULL) == 0);
	assert(stat(path_of("bailey/sealed/" ID), &st) == 0 && (st.st_mode & 0777) == 0600);
	assert(seal_note_read(ID, "web", &got) == 1);
	assert(memcmp(&got, &n, sizeof(n)) == 0);
	assert(seal_note_holds(&got, f, SEALED, n.signer));
	assert(seal_note_holds(&got, same, SEALED, n.signer));
	assert(!seal_note_holds(&got, other, SEALED, n.signer));
	assert(!seal_note_holds(&got, f, "00112234", n.signer));
	assert(!seal_note_holds(&got, f, "", n.signer));
	assert(!seal_note_holds(&got, f, SEALED, elsewhere));
	env_file_free(f);
	env_file_free(same);
	env_file_free(other);
}

/* A daemon says which VM this is: its word leads to no other file and no other app's note. */
static void test_a_note_is_of_one_vm_of_one_name(void)
{
	struct seal_note n = { .name = "x" };
	struct err e = ERR_NONE;

	assert(seal_note_read(ID, "other", &n) == 0);
	assert(seal_note_read("no-such", "web", &n) == 0);
	assert(seal_note_read("../sealed/" ID, "web", &n) == 0);
	assert(seal_note_read("", "web", &n) == 0);
	assert(seal_note_write("../../x", &n, &e) < 0 && access(path_of("x"), F_OK) < 0);
	seal_note_drop("../../env");
	assert(access(path_of("env"), F_OK) == 0);
	assert(str_equal(n.name, "x"));
}

static void test_a_broken_note_is_none(void)
{
	static const char *const bad[] = { "", "{}", "[1]", "{\"version\":2}",
					   "{\"version\":1,\"name\":\"web\",\"app_id\":\"00\"}" };
	struct seal_note n;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_text("bailey/sealed/" ID, bad[i]);
		assert(seal_note_read(ID, "web", &n) == 0);
	}
}

static void test_a_note_goes_with_its_vm(void)
{
	seal_note_drop(ID);
	assert(access(path_of("bailey/sealed/" ID), F_OK) < 0);
	seal_note_drop(ID);
}

static void test_without_a_home_nothing_is_noted(void)
{
	struct seal_note n = { .name = "web" };
	struct err e = ERR_NONE;

	assert(unsetenv("XDG_CONFIG_HOME") == 0 && setenv("HOME", "relative", 1) == 0);
	assert(seal_note_write(ID, &n, &e) < 0 && strstr(e.text, "home"));
	assert(seal_note_read(ID, "web", &n) == 0);
}

static void test_a_file_that_others_read_is_told(void)
{
	struct env_file *f = file_of("A=1\n");

	assert(!f->is_exposed &&
	       str_equal((char *)f->plain.p, "{\"env\":[{\"key\":\"A\",\"value\":\"1\"}]}"));
	env_file_free(f);
	assert(chmod(path_of("env"), 0644) == 0);
	assert(env_file_read(path_of("env"), &f, NULL) == 0 && f->is_exposed);
	env_file_free(f);
	env_file_free(NULL);
}

int main(void)
{
	assert(mkdtemp(scratch));
	assert(setenv("XDG_CONFIG_HOME", scratch, 1) == 0);
	test_a_note_knows_what_was_sealed();
	test_a_note_is_of_one_vm_of_one_name();
	test_a_broken_note_is_none();
	test_a_note_goes_with_its_vm();
	test_without_a_home_nothing_is_noted();
	test_a_file_that_others_read_is_told();
	assert(unlink(path_of("env")) == 0);
	assert(rmdir(path_of("bailey/sealed")) == 0 && rmdir(path_of("bailey")) == 0);
	assert(rmdir(scratch) == 0);
	return 0;
}
