/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of acpi_oracle: the QEMU of this machine answers; a cache that lies is asked nothing. */
#undef NDEBUG
#include "measure/acpi_oracle.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "wire/acpi.h"

static char folder[] = "/tmp/test-oracle-XXXXXX";
static char cache[64];

static const struct acpi_shape plain = {
	.cpus = 1, .memory = UINT64_C(2) << 30, .nics = 1, .root_verity = true
};

static struct buf must(const struct acpi_shape *s, struct acpi_answer *a)
{
	const struct acpi_source source = { .cache = cache };
	struct buf b = BUF_MAX(ACPI_BLOB_MAX);
	struct err e = ERR_NONE;

	if (acpi_oracle(s, &source, NULL, &b, a, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return b;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static void test_an_answer_is_kept_and_the_same(void)
{
	struct acpi_answer first, second;
	auto_buf struct buf a = must(&plain, &first);
	auto_buf struct buf b = must(&plain, &second);
	struct acpi_shape other = plain;

	assert(a.n % ACPI_BLOB_ALIGN == 0);
	assert(!first.was_cached && second.was_cached && same(&a, &b));
	assert(strcmp(first.qemu_version, second.qemu_version) == 0);
	other.cpus = 2;
	{
		auto_buf struct buf c = must(&other, &second);

		assert(!second.was_cached && !same(&a, &c));
	}
}

static void spoil_file(const char *path, int how)
{
	struct stat st;
	FILE *f;

	assert(stat(path, &st) == 0);
	if (how != 1) {
		assert(truncate(path, how == 0 ? st.st_size - 1 : 0) == 0);
		return;
	}
	f = fopen(path, "r+");
	assert(f && fseek(f, -3, SEEK_END) == 0);
	assert(fputc('x', f) == 'x' && fclose(f) == 0);
}

/* Each file of the cache is cut, changed, or emptied. */
static void spoil(int how)
{
	DIR *d = opendir(cache);
	const struct dirent *entry;
	char path[400];

	assert(d);
	while ((entry = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/%s", cache, entry->d_name);
		if (entry->d_name[0] != '.')
			spoil_file(path, how);
	}
	(void)closedir(d);
}

static void test_a_spoilt_cache_is_asked_nothing(void)
{
	struct acpi_answer answer;
	auto_buf struct buf good = must(&plain, &answer);
	int how;

	for (how = 0; how < 3; how++) {
		spoil(how);
		{
			auto_buf struct buf b = must(&plain, &answer);

			assert(!answer.was_cached && same(&good, &b));
		}
		{
			auto_buf struct buf b = must(&plain, &answer);

			assert(answer.was_cached && same(&good, &b));
		}
	}
}

static void test_a_folder_that_others_may_write_to_is_not_used(void)
{
	struct acpi_answer answer;

	assert(chmod(cache, 0777) == 0);
	{
		auto_buf struct buf b = must(&plain, &answer);

		assert(b.n > 0 && !answer.was_cached);
	}
	assert(chmod(cache, 0700) == 0);
}

static void test_refusals(void)
{
	const struct acpi_source none = { .qemu = "/nonexistent/qemu", .cache = "" };
	const struct acpi_source mute = { .qemu = "/bin/true", .cache = "" };
	const struct acpi_source here = { .cache = "" };
	auto_buf struct buf b = BUF_MAX(ACPI_BLOB_MAX);
	struct acpi_shape bad = plain;
	struct err e = ERR_NONE;

	assert(acpi_oracle(&plain, &none, NULL, &b, NULL, &e) == ERR_MISSING);
	assert(acpi_oracle(&plain, &mute, NULL, &b, NULL, &e) == ERR_HYPERVISOR);
	bad.cpus = 0;
	assert(acpi_oracle(&bad, &here, NULL, &b, NULL, &e) == ERR_INPUT);
	bad = plain;
	bad.memory++;
	assert(acpi_oracle(&bad, &here, NULL, &b, NULL, &e) == ERR_INPUT);
	bad = plain;
	bad.nics = 29;
	assert(acpi_oracle(&bad, &here, NULL, &b, NULL, &e) == ERR_INPUT);
	bad = plain;
	bad.nodes = 3;
	bad.cpus = 4;
	assert(acpi_oracle(&bad, &here, NULL, &b, NULL, &e) == ERR_INPUT);
	assert(acpi_oracle(&plain, &here, "nine", &b, NULL, &e) == ERR_INPUT);
	assert(acpi_oracle(&plain, &here, "6.2.0", &b, NULL, &e) == ERR_MISSING);
	assert(b.n == 0);
}

/* A QEMU that is there and says nothing, or ends: told in words. */
static void test_a_program_that_is_no_qemu(void)
{
	char path[128];
	const struct acpi_source source = { .qemu = path, .cache = "" };
	const struct acpi_source near = { .qemu = "./qemu", .cache = "" };
	auto_buf struct buf b = BUF_MAX(ACPI_BLOB_MAX);
	static const char script[] =
		"#!/bin/sh\n[ \"$1\" = --version ] && echo QEMU emulator version 7.2.22 && exit\n"
		"echo 'no such \033machine' >&2\nexit 1\n";
	struct err e = ERR_NONE;

	(void)snprintf(path, sizeof(path), "%s/qemu", folder);
	assert(file_replace(AT_FDCWD, path, 0700, script, sizeof(script) - 1, NULL) == 0);
	assert(acpi_oracle(&plain, &source, NULL, &b, NULL, &e) == ERR_HYPERVISOR);
	assert(strstr(e.text, "no such") && strstr(e.text, "machine") && !strchr(e.text, '\033'));
	assert(chdir(folder) == 0);
	e = ERR_NONE;
	assert(acpi_oracle(&plain, &near, NULL, &b, NULL, &e) == ERR_HYPERVISOR);
	assert(strstr(e.text, "no such"));
	assert(unlink(path) == 0);
}

static int clear_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void clear(void)
{
	spoil(2);
	assert(nftw(folder, clear_one, 4, FTW_DEPTH | FTW_PHYS) == 0);
}

int main(void)
{
	assert(mkdtemp(folder));
	(void)snprintf(cache, sizeof(cache), "%s/cache", folder);
	if (access("/usr/bin/qemu-system-x86_64", X_OK) < 0) {
		(void)puts("skipped: no qemu-system-x86_64");
		return 0;
	}
	test_an_answer_is_kept_and_the_same();
	test_a_spoilt_cache_is_asked_nothing();
	test_a_folder_that_others_may_write_to_is_not_used();
	test_a_program_that_is_no_qemu();
	test_refusals();
	clear();
	return 0;
}
