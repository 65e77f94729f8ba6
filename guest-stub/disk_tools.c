/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "guest-stub/supervisor.h"

enum {
	MINUTE_MS = 60 * 1000,
	TOOL_MS = 10 * MINUTE_MS,
	FSCK_MS = 6 * 60 * MINUTE_MS, /* a large disk after a crash */
	KILLED_MS = 10000,
	NO_KEY = 2,	 /* cryptsetup: no key slot opens with this passphrase */
	FSCK_MENDED = 1, /* e2fsck: errors were found and are no more */
	NOT_THERE = 127, /* as a shell says it, and our supervisor */
	DIGITS = 24,
};

static const char *const tool_env[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"DM_DISABLE_UDEV=1", /* there is none: device nodes are made by who needs them */
	NULL,
};

/* A pipe that holds the key and then ends.  Return: its read end; negative errno. */
static int key_pipe(const struct disk_key *key)
{
	auto_close int reader = -1, writer = -1;
	int pair[2], r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	reader = pair[0];
	writer = pair[1];
	r = fd_write_all(writer, key->p, key->n); /* a pipe has room for it */
	return r ? r : steal_fd(&reader);
}

/* Return: the exit status as wait() says, or negative. */
static int run(struct supervisor *s, const char *const *argv, const struct disk_key *key,
	       unsigned int timeout_ms, struct err *e)
{
	auto_close int input = key ? key_pipe(key) : -1;
	const struct supervisor_spawn how = {
		.argv = argv, .env = tool_env, .input = input, .extra = -1
	};
	int r;

	if (key && input < 0)
		return err_errno(e, -input, "hand the key to %s", argv[0]);
	r = supervisor_start(s, SUPERVISOR_DISK, &how, e);
	if (r == 0)
		r = supervisor_wait(s, SUPERVISOR_DISK, timeout_ms);
	if (r == 0)
		return s->slots[SUPERVISOR_DISK].status;
	supervisor_signal(s, SUPERVISOR_DISK, SIGKILL);
	(void)supervisor_wait_end(s, SUPERVISOR_DISK, KILLED_MS);
	return r == -ETIMEDOUT ? err_set(e, r, "%s did not end in time", argv[0]) : r;
}

/* What a status of wait() that is not success means. */
static int failed(const char *program, int status, struct err *e)
{
	char how[96];

	if (status < 0)
		return status; /* it says so already */
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
		return err_set(e, ERR_MISSING, "this image has no %s", program);
	return err_set(e, ERR_BAD_STATE, "%s %s (what it said is on the console)", program,
		       supervisor_how_it_ended(how, sizeof(how), status));
}

static int must(struct supervisor *s, const char *const *argv, const struct disk_key *key,
		struct err *e)
{
	int status = run(s, argv, key, TOOL_MS, e);

	return status == 0 ? 0 : failed(argv[0], status, e);
}

int disk_tools_luks_format(struct supervisor *s, const char *device, const char *header,
			   const struct disk_key *key, struct err *e)
{
	/* the key is 256 random bits: stretching it would only cost time */
	const char *const argv[] = { "cryptsetup",
				     "luksFormat",
				     "--batch-mode",
				     "--type=luks2",
				     "--offset=32768", /* LUKS2_DATA_OFFSET, in sectors */
				     "--sector-size=512",
				     "--cipher=aes-xts-plain64",
				     "--key-size=512",
				     "--hash=sha256",
				     "--pbkdf=pbkdf2",
				     "--pbkdf-force-iterations=1000",
				     "--luks2-metadata-size=16k",
				     "--luks2-keyslots-size=1m",
				     "--header",
				     header,
				     "--key-file=-",
				     device,
				     NULL };

	return must(s, argv, key, e);
}

int disk_tools_luks_open(struct supervisor *s, const char *device, const char *header,
			 const struct disk_key *key, struct err *e)
{
	const char *const argv[] = { "cryptsetup",     "open", "--batch-mode", "--type=luks2",
				     "--header",       header, "--key-file=-", device,
				     DISK_MAPPED_NAME, NULL };
	int status = run(s, argv, key, TOOL_MS, e);

	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_KEY)
		return err_set(e, ERR_INPUT, "the key does not open it");
	return status == 0 ? 0 : failed(argv[0], status, e);
}

int disk_tools_plain_open(struct supervisor *s, const char *device, const struct disk_key *key,
			  struct err *e)
{
	const char *const argv[] = { "cryptsetup",
				     "open",
				     "--batch-mode",
				     "--type=plain",
				     "--offset=32768",
				     "--sector-size=512",
				     "--cipher=aes-xts-plain64",
				     "--key-size=512",
				     "--key-file=-",
				     device,
				     DISK_MAPPED_NAME,
				     NULL };

	return must(s, argv, key, e);
}

void disk_tools_close(struct supervisor *s)
{
	const char *const argv[] = { "cryptsetup", "close", DISK_MAPPED_NAME, NULL };

	(void)run(s, argv, NULL, TOOL_MS, NULL);
}

int disk_tools_mkfs(struct supervisor *s, const char *device, uint64_t n_blocks, bool is_fleeting,
		    struct err *e)
{
	char blocks[DIGITS] = "";
	/* nothing is written that can be written later; what a discarded block reads as is the host's to say */
	const char *const argv[] = {
		"mke2fs",
		"-q",
		"-F",
		"-t",
		"ext4",
		"-b",
		"4096",
		"-m",
		"1",
		"-E",
		"lazy_itable_init=1,lazy_journal_init=1,nodiscard",
		"-O",
		is_fleeting ? "^has_journal,^resize_inode" : "has_journal,resize_inode",
		device,
		n_blocks ? blocks : NULL,
		NULL,
	};

	(void)str_format(blocks, sizeof(blocks), "%" PRIu64, n_blocks);
	return must(s, argv, NULL, e);
}

int disk_tools_fsck(struct supervisor *s, const char *device, struct err *e)
{
	const char *const argv[] = { "e2fsck", "-p", device, NULL };
	int status = run(s, argv, NULL, FSCK_MS, e);

	if (status == 0 || (status > 0 && WIFEXITED(status) && WEXITSTATUS(status) == FSCK_MENDED))
		return 0;
	return failed(argv[0], status, e);
}
