/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/authoriser.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kms/allow.h"
#include "kms/allow_signed.h"
#include "kms/config.h"
#include "kms/grant.h"

struct authoriser {
	const char *path;      /* NULL: the webhook */
	const uint8_t *signer; /* of the list; NULL: nobody */
	struct webhook webhook;
	pthread_mutex_t lock; /* of what follows */
	bool is_good;
	struct allow allow; /* if it is */
	struct err fault;   /* if not */
	struct stat seen;
};

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The operator named the path, and it may be a link: /dstack/user_config is one. */
static int load(struct authoriser *a, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	auto_free char *path = realpath(a->path, NULL);
	int rc = file_read(AT_FDCWD, path ? path : a->path, CONF_FILE_MAX, &b, e);

	if (rc == 0 && a->signer)
		rc = allow_signed_check((const char *)b.p, b.n, a->path, a->signer, P256_SPKI, e);
	return rc < 0 ? rc : allow_parse((const char *)b.p, b.n, a->path, &a->allow, e);
}

/* As the file is now.  Return: 0, or why nobody is allowed. */
static int refresh(struct authoriser *a, struct err *e)
{
	struct stat st = { .st_size = -1 };

	if (stat(a->path, &st) < 0)
		st = (struct stat){ .st_size = -1 };
	if (!is_same(&st, &a->seen) || st.st_size < 0) {
		allow_deinit(&a->allow);
		a->fault = ERR_NONE;
		a->is_good = load(a, &a->fault) == 0;
		a->seen = st;
		if (a->is_good)
			log_info("kms: the allow-list %s is in effect", a->path);
		else
			log_error("kms: nobody gets keys: %s", a->fault.text);
	}
	return a->is_good ? 0 : err_set(e, a->fault.code, "the allow-list: %s", a->fault.text);
}

int authoriser_new(const struct kms_config *c, struct authoriser **ret, struct err *e)
{
	struct authoriser *a = xnew(struct authoriser);
	int rc = 0;

	a->path = c->allow_file;
	a->signer = c->has_allow_signer ? c->allow_signer : NULL;
	a->webhook = (struct webhook){ c->webhook, c->webhook_ca, c->webhook_ms };
	(void)pthread_mutex_init(&a->lock, NULL);
	if (a->path)
		rc = refresh(a, e);
	if (rc < 0) {
		authoriser_free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

void authoriser_free(struct authoriser *a)
{
	if (!a)
		return;
	allow_deinit(&a->allow);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

int authoriser_ask(struct authoriser *a, enum authoriser_kind kind, const struct boot_info *b,
		   struct grant *ret, struct err *e)
{
	int rc;

	if (!a->path)
		return webhook_ask(&a->webhook, kind == AUTHORISE_KMS, b, ret, e);
	(void)pthread_mutex_lock(&a->lock);
	rc = refresh(a, e);
	if (rc == 0 && kind == AUTHORISE_KMS)
		allow_kms(&a->allow, b, ret);
	else if (rc == 0)
		allow_app(&a->allow, b, ret);
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

int authoriser_info(struct authoriser *a, struct webhook_info *ret, bool *ret_is_webhook,
		    struct err *e)
{
	int rc;

	*ret_is_webhook = !a->path;
	if (!a->path)
		return webhook_get_info(&a->webhook, ret, e);
	*ret = (struct webhook_info){ .chain_id = 0 };
	(void)pthread_mutex_lock(&a->lock);
	rc = refresh(a, e);
	if (rc == 0)
		(void)str_copy(ret->gateway_app_id, sizeof(ret->gateway_app_id),
			       allow_gateway(&a->allow));
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}
