/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "daemon/config.h"
#include "daemon/discovery.h"
#include "data/json.h"

static char folder[64];
static char socket_path[] = "/r/s.sock", state[] = "/s";
static struct config c = {
	.name = "here", .api_socket = socket_path, .state = state, .file = "/etc/b.yaml"
};

static void put(const char *name, const char *text)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	(void)fd_close(fd);
}

static bool is_there(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void test_a_record_says_where_we_are(void)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct discovery x;
	struct err e = ERR_NONE;
	json_t *j;

	assert(discovery_begin(&x, folder, &c, "/s/image", &e) == 0);
	assert(file_read(AT_FDCWD, x.path, 65536, &b, &e) == 0);
	assert(json_parse(b.p, b.n, 65536, "record", &j, &e) == 0);
	assert(!strcmp(json_get_str(j, "address", ""), "unix:/r/s.sock"));
	assert(!strcmp(json_get_str(j, "config_file", ""), "/etc/b.yaml"));
	assert(!strcmp(json_get_str(j, "run_path", ""), "/s/vm"));
	assert(!strcmp(json_get_str(j, "node_name", ""), "here"));
	assert(strlen(json_get_str(j, "id", "")) == 36);
	assert(json_get_u64(j, "pid", 0) == (uint64_t)getpid());
	assert(json_get_u64(j, "pid_start", 0) > 0 && json_get_u64(j, "started_at", 0) > 0);
	json_decref(j);
	discovery_end(&x);
	assert(access(x.path, F_OK) < 0);
	discovery_end(&x); /* again */
}

static void test_only_what_a_dead_daemon_of_ours_left_is_swept(void)
{
	struct discovery one, two;
	struct err e = ERR_NONE;

	put("dead.json",
	    "{\"product\": \"bailey\", \"pid\": 1}"); /* the pid lives, and is another's */
	put("other.json", "{\"pid\": 1}");
	put("torn.json", "{\"product\": \"bai");
	put("dead.txt", "{\"product\": \"bailey\"}");
	assert(discovery_begin(&one, folder, &c, "/i", &e) == 0);
	assert(!is_there("dead.json") && is_there("other.json") && is_there("torn.json"));
	assert(is_there("dead.txt"));
	assert(discovery_begin(&two, folder, &c, "/i", &e) == 0);
	assert(access(one.path, F_OK) == 0); /* its lock is held */
	discovery_end(&one);
	assert(access(two.path, F_OK) == 0);
	discovery_end(&two);
}

static void test_no_folder_is_no_harm(void)
{
	struct discovery x;
	struct err e = ERR_NONE;

	assert(discovery_begin(&x, "/proc/none", &c, "/i", &e) < 0 && x.fd == -1 && *e.text);
	discovery_end(&x);
}

int main(void)
{
	char command[128];

	(void)snprintf(folder, sizeof(folder), "./discovery-test-%d", (int)getpid());
	test_a_record_says_where_we_are();
	test_only_what_a_dead_daemon_of_ours_left_is_swept();
	test_no_folder_is_no_harm();
	(void)snprintf(command, sizeof(command), "%s/other.json", folder);
	(void)unlink(command);
	(void)snprintf(command, sizeof(command), "%s/torn.json", folder);
	(void)unlink(command);
	(void)snprintf(command, sizeof(command), "%s/dead.txt", folder);
	(void)unlink(command);
	assert(rmdir(folder) == 0);
	return 0;
}
