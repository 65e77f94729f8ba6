/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/app_cert.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "guest-stub/cert_client.h"

enum { TEXT_MAX = 256 * 1024 };

static void fail(struct app_cert *c, const struct err *e)
{
	c->not_before_ms = time_mono_ms() + APP_CERT_PAUSE_MS;
	log_warn("agent: no certificate to show: %s", e->text);
}

static void signed_one(void *arg, const struct cert_result *r)
{
	auto_buf struct buf b = BUF_MAX(TEXT_MAX);
	struct app_cert *c = arg;
	size_t i;
	int rc = 0;

	c->is_asked = false;
	if (r->r < 0) {
		secret_str_free(c->key);
		c->key = NULL;
		fail(c, &r->e);
		return;
	}
	for (i = 0; i < r->n_chain && rc == 0; i++)
		rc = buf_addf(&b, "%s%s", i ? "\n" : "", r->chain[i]);
	if (rc < 0)
		return;
	c->text = buf_take_str(&b);
	if (c->on_ready)
		c->on_ready(c);
}

static void ask(struct app_cert *c)
{
	static const struct cert_config config = {
		.subject = "demo-cert", .server_auth = true, .client_auth = true, .with_quote = true
	};
	auto_p256_key struct p256_key key;
	struct err e = ERR_NONE;
	int rc = p256_key_random(&key, &e);

	if (rc == 0)
		rc = cert_client_sign(c->certs, &config, &key, signed_one, c, &e);
	c->is_asked = rc == 0;
	if (rc < 0) {
		fail(c, &e);
		return;
	}
	c->key = p256_key_pem(&key);
	p256_key_spki(&key, c->spki);
}

const char *app_cert_text(struct app_cert *c)
{
	if (!c->text && !c->is_asked && c->certs && time_mono_ms() >= c->not_before_ms)
		ask(c);
	return c->text ? c->text : "";
}
