/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "daemon/embed_sweep.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/rmtree.h"

#define RUNS  "11111111-1111-4111-8111-111111111111"
#define CUT   "22222222-2222-4222-8222-222222222222"
#define OTHER "33333333-3333-4333-8333-333333333333"

static char root[] = "/tmp/test-embed-XXXXXX";

static struct embed_note parsed(const char *text)
{
	struct embed_note n;

	assert(embed_note_parse(text, strlen(text), &n) == 1);
	return n;
}

static void refused(const char *text)
{
	struct embed_note n;

	assert(embed_note_parse(text, strlen(text), &n) == 0);
}

static void test_a_note_gives_its_process_and_folder(void)
{
	struct embed_note n = parsed("<!-- x -->\n<domstatus state='running' pid='77'>\n"
				     "<monitor path='/r/lib/qemu/domain-3-ab/monitor.sock' "
				     "type='unix'/>");

	assert(n.pid == 77 && strcmp(n.folder, "domain-3-ab") == 0);
	assert(!n.is_starting);
	n = parsed("<domstatus state='paused' reason='starting up' pid='0'>");
	assert(n.pid == 0 && n.is_starting && !*n.folder);
	assert(!*parsed("<domstatus pid='1'><monitor path='x'/>").folder);
	assert(!*parsed("<domstatus pid='1'><monitor path='/monitor.sock'/>").folder);
}

static void test_what_is_no_note_is_let_be(void)
{
	refused("");
	refused("<domstatus ");
	refused("<domstatus state='x'>pid='1'");
	refused("<domstatus pid='-1'>");
	refused("<domstatus pid='99999999999'>");
	refused("<domstatus pid='1");
	refused("<domain pid='1'>");
}

static void write_note(const char *uuid, pid_t pid, const char *folder)
{
	auto_free char *text = xasprintf("<domstatus state='running' pid='%d'>\n<monitor "
					 "path='%s/lib/qemu/%s/monitor.sock' type='unix'/>",
					 (int)pid, root, folder);
	auto_free char *path = xasprintf("%s/run/qemu/%s.xml", root, uuid);
	auto_free char *sockets = xasprintf("%s/lib/qemu/%s", root, folder);

	assert(file_replace(AT_FDCWD, path, 0600, text, strlen(text), NULL) == 0);
	assert(file_mkdir_all(sockets, 0700, NULL) == 0);
}

static bool has(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", root, name);

	return access(path, F_OK) == 0;
}

/* A process with "-uuid @uuid" in its arguments. */
static pid_t run_as(const char *uuid)
{
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", "read x; :", "sh", "-uuid", uuid, NULL);
		_exit(127);
	}
	return pid;
}

static void wait_for_exec(pid_t pid)
{
	char path[32], text[16];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	do {
		f = fopen(path, "r");
		assert(f && fgets(text, sizeof(text), f));
		(void)fclose(f);
	} while (strcmp(text, "sh\n") != 0);
}

static void test_notes_without_their_qemu_go(void)
{
	int hold[2];
	pid_t pid;

	assert(pipe(hold) == 0 && dup2(hold[0], STDIN_FILENO) == STDIN_FILENO);
	pid = run_as(RUNS);
	wait_for_exec(pid);
	write_note(RUNS, pid, "domain-1-111");
	write_note(CUT, 0, "domain-2-222");
	write_note(OTHER, pid, "domain-3-333"); /* its number is another process by now */
	write_note("4", getpid(), "qmp-abc");
	embed_sweep(root);
	assert(has("run/qemu/" RUNS ".xml") && has("lib/qemu/domain-1-111"));
	assert(!has("run/qemu/" CUT ".xml") && !has("lib/qemu/domain-2-222"));
	assert(!has("run/qemu/" OTHER ".xml") && !has("lib/qemu/domain-3-333"));
	assert(!has("lib/qemu/qmp-abc"));
	assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	embed_sweep(root);
	assert(!has("run/qemu/" RUNS ".xml") && !has("lib/qemu/domain-1-111"));
}

int main(void)
{
	auto_free char *notes = NULL;

	assert(mkdtemp(root));
	notes = xasprintf("%s/run/qemu", root);
	embed_sweep(root); /* nothing there yet */
	assert(file_mkdir_all(notes, 0700, NULL) == 0);
	test_a_note_gives_its_process_and_folder();
	test_what_is_no_note_is_let_be();
	test_notes_without_their_qemu_go();
	assert(rmtree(AT_FDCWD, root, NULL, NULL) == 0);
	return 0;
}
