/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tdx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "tee/tdx_qgs.h"
#include "wire/quote.h"

#define DEVICE	      "/dev/tdx_guest"
#define SYSFS	      "/sys/devices/virtual/misc/tdx_guest/measurements"
#define SYSFS_ENV     "DCAP_TDX_RTMR_SYSFS_PATH"
#define CONFIGFS_ROOT "/sys/kernel/config/tsm/report"
#define CONFIGFS      CONFIGFS_ROOT "/com.intel.dcap"
#define CONFIGFS_ENV  "DCAP_TDX_QUOTE_CONFIGFS_PATH"
#define ATTEST_CONF   "/etc/tdx-attest.conf"
#define PROVIDER      "tdx_guest"

enum {
	LOCK_MS = 60000,
	BUSY_MS = 10000,
	GENERATION_MS = 5000,
	QGS_MS = 30000,
	NAME_SIZE = 32,
	DIGEST = 48,
};

/* The driver's requests; Debian 12's headers have no linux/tdx-guest.h with the second. */
struct report_request {
	uint8_t data[TD_REPORT_DATA_SIZE], report[TD_REPORT_SIZE];
};

struct extend_request {
	uint8_t data[DIGEST], index;
};

#define IOCTL_REPORT _IOWR('T', 1, struct report_request)
#define IOCTL_EXTEND _IOR('T', 3, struct extend_request)

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool tdx_is_present(void)
{
	return getenv(SYSFS_ENV) || getenv(CONFIGFS_ENV) || is_there(DEVICE);
}

/* The path of the environment, which must hold; else @otherwise. */
static int choose(const char *name, const char *otherwise, char ret[static TDX_PATH_MAX],
		  struct err *e)
{
	const char *given = getenv(name);

	if (!given)
		return str_copy(ret, TDX_PATH_MAX, otherwise) < 0 ? ERR_INPUT : 0;
	if (given[0] != '/' || str_copy(ret, TDX_PATH_MAX, given) < 0 || !is_there(given)) {
		return err_set(e, ERR_INPUT,
			       "%s must be an absolute path of less than %d bytes that is there",
			       name, TDX_PATH_MAX);
	}
	return 0;
}

int tdx_init(struct tdx *t, struct err *e)
{
	bool is_given = getenv(CONFIGFS_ENV) != NULL;
	int r;

	*t = (struct tdx){ .qgs_ms = QGS_MS };
	(void)str_copy(t->device, sizeof(t->device), DEVICE);
	(void)str_copy(t->attest_conf, sizeof(t->attest_conf), ATTEST_CONF);
	r = choose(SYSFS_ENV, SYSFS, t->sysfs, e);
	if (r == 0)
		r = choose(CONFIGFS_ENV, CONFIGFS, t->configfs, e);
	if (r < 0)
		return r;
	/* a kernel without reports has no directory in which one could be made */
	if (!is_given && mkdir(CONFIGFS, 0700) < 0 && errno != EEXIST)
		t->configfs[0] = 0;
	t->tsm = (struct tsm_report){ .dir = t->configfs,
				      .provider = PROVIDER,
				      .lock_ms = LOCK_MS,
				      .busy_ms = BUSY_MS,
				      .generation_ms = GENERATION_MS,
				      .write = write };
	return 0;
}

/* ---- the device ---- */

static int device_open(const struct tdx *t, struct err *e)
{
	int fd = open(t->device, O_RDWR | O_CLOEXEC);

	return fd < 0 ? err_errno(e, errno, "open %s", t->device) : fd;
}

static int device_report(const struct tdx *t, const uint8_t *data,
			 uint8_t ret[static TD_REPORT_SIZE], struct err *e)
{
	auto_close int fd = device_open(t, e);
	struct report_request q = { .data = { 0 } };

	if (fd < 0)
		return fd;
	memcpy(q.data, data, sizeof(q.data));
	if (ioctl(fd, IOCTL_REPORT, &q) < 0)
		return err_errno(e, errno, "%s: report", t->device);
	memcpy(ret, q.report, TD_REPORT_SIZE);
	return 0;
}

static int device_extend(const struct tdx *t, unsigned int index, const struct digest384 *d,
			 struct err *e)
{
	auto_close int fd = device_open(t, e);
	struct extend_request q = { .index = (uint8_t)index };

	if (fd < 0)
		return fd;
	memcpy(q.data, d->b, sizeof(q.data));
	if (ioctl(fd, IOCTL_EXTEND, &q) < 0)
		return err_errno(e, errno, "%s: extend RTMR%u", t->device, index);
	return 0;
}

static int device_td(const struct tdx *t, struct tee_td *ret, struct err *e)
{
	static const uint8_t nothing[TD_REPORT_DATA_SIZE];
	uint8_t report[TD_REPORT_SIZE];
	struct td_report r;
	int rc = device_report(t, nothing, report, e);
	size_t i;

	if (rc < 0)
		return rc;
	if (td_report_parse(report, &r) < 0)
		return err_set(e, ERR_PROTO, "%s: what it gives is no report of a TD", t->device);
	memcpy(ret->mrtd.b, r.mrtd, DIGEST);
	memcpy(ret->mr_config_id.b, r.mr_config_id, DIGEST);
	memcpy(ret->mr_owner.b, r.mr_owner, DIGEST);
	memcpy(ret->mr_owner_config.b, r.mr_owner_config, DIGEST);
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		memcpy(ret->rtmr[i].b, r.rtmr[i], DIGEST);
	return 0;
}

/* ---- sysfs ---- */

static int sysfs_open(const struct tdx *t, const char *name, int flags)
{
	auto_close int dir = open(t->sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -1 : openat(dir, name, flags | O_CLOEXEC);
}

/* Return: 1; 0 if the driver does not have it; negative. */
static int sysfs_read(const struct tdx *t, const char *name, struct digest384 *ret, struct err *e)
{
	auto_close int fd = sysfs_open(t, name, O_RDONLY);
	uint8_t more[DIGEST + 1];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -errno : fd_read_full(fd, more, sizeof(more));
	if (n < 0)
		return err_errno(e, (int)-n, "%s/%s", t->sysfs, name);
	if (n != DIGEST)
		return err_set(e, ERR_PROTO, "%s/%s holds %zd bytes%s, not 48", t->sysfs, name, n,
			       n > DIGEST ? " or more" : "");
	memcpy(ret->b, more, DIGEST);
	return 1;
}

static void rtmr_name(char name[static NAME_SIZE], unsigned int index)
{
	(void)str_format(name, NAME_SIZE, "rtmr%u:sha384", index);
}

static int sysfs_td(const struct tdx *t, struct tee_td *ret, struct err *e)
{
	struct {
		const char *name;
		struct digest384 *to;
	} rows[] = {
		{ "mrtd:sha384", &ret->mrtd },
		{ "mrconfigid", &ret->mr_config_id },
		{ "mrowner", &ret->mr_owner },
		{ "mrownerconfig", &ret->mr_owner_config },
	};
	char name[NAME_SIZE];
	unsigned int i;
	int r = 1;

	for (i = 0; r > 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		r = sysfs_read(t, rows[i].name, rows[i].to, e);
	for (i = 0; r > 0 && i < TEE_RTMR_COUNT; i++) {
		rtmr_name(name, i);
		r = sysfs_read(t, name, &ret->rtmr[i], e);
	}
	return r;
}

/* ---- tee_ops ---- */

static int td(void *ctx, struct tee_td *ret, struct err *e)
{
	const struct tdx *t = ctx;
	int r = sysfs_td(t, ret, e);

	if (r == 0)
		return device_td(t, ret, e);
	return r < 0 ? r : 0;
}

static int read_one(void *ctx, unsigned int index, struct digest384 *ret, struct err *e)
{
	const struct tdx *t = ctx;
	char name[NAME_SIZE];
	struct tee_td all;
	int r;

	rtmr_name(name, index);
	r = sysfs_read(t, name, ret, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = device_td(t, &all, e);
	if (r == 0)
		*ret = all.rtmr[index];
	return r;
}

/* A write of 48 bytes to the register's file extends it. */
static int extend(void *ctx, unsigned int index, const struct digest384 *d, struct err *e)
{
	const struct tdx *t = ctx;
	char name[NAME_SIZE];
	auto_close int fd = -1;
	int r;

	rtmr_name(name, index);
	fd = sysfs_open(t, name, O_WRONLY);
	if (fd < 0 && errno == ENOENT)
		return device_extend(t, index, d, e);
	r = fd < 0 ? -errno : fd_write_all(fd, d->b, sizeof(d->b));
	return r < 0 ? err_errno(e, -r, "%s/%s", t->sysfs, name) : 0;
}

int tdx_check_quote(const void *quote, size_t n,
		    const uint8_t report_data[static TEE_REPORT_DATA_SIZE], struct err *e)
{
	struct quote q;
	enum quote_verdict v = quote_parse(quote, n, &q);

	if (v != QUOTE_OK)
		return err_set(e, ERR_PROTO, "what the host made is no quote: %s",
			       quote_verdict_text(v));
	if (q.tee != QUOTE_TEE_TDX ||
	    memcmp(q.td.report_data, report_data, TEE_REPORT_DATA_SIZE) != 0)
		return err_set(e, ERR_PROTO,
			       "the quote that the host made is not over our report data");
	return 0;
}

static int quote_by_qgs(const struct tdx *t, const uint8_t *report_data, struct buf *ret,
			struct err *e)
{
	uint8_t report[TD_REPORT_SIZE];
	int r = device_report(t, report_data, report, e);

	return r ? r : tdx_qgs_quote(t, report, ret, e);
}

/*
 * A kernel that has configfs reports shows them also where its host does not serve them, and only a QGS on
 * vsock does.  Busy is no such failure: who waited long enough is told so.
 */
static int quote_by_any(const struct tdx *t, const uint8_t *report_data, struct buf *ret,
			struct err *e)
{
	int r;

	if (!t->configfs[0])
		return quote_by_qgs(t, report_data, ret, e);
	r = tsm_report_quote(&t->tsm, report_data, ret, e);
	if (r == 0 || r == -EBUSY || r == -ETIMEDOUT || !is_there(t->attest_conf))
		return r;
	return quote_by_qgs(t, report_data, ret, e);
}

static int quote(void *ctx, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	const struct tdx *t = ctx;
	size_t was = ret->n;
	int r = quote_by_any(t, report_data, ret, e);

	if (r == 0)
		r = tdx_check_quote(ret->p + was, ret->n - was, report_data, e);
	if (r < 0)
		ret->n = was;
	return r;
}

struct tee tdx_tee(struct tdx *t)
{
	static const struct tee_ops ops = {
		.extend = extend, .read = read_one, .td = td, .quote = quote
	};

	return (struct tee){ .kind = TEE_TDX, .ops = &ops, .ctx = t };
}
