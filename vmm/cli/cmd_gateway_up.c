/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_gateway_up: a gateway, from its YAML to what apps and clients need of it
 *
 * As `bailey up` of that file; before it the token that its Admin service takes is made if there is none, and after it
 * we wait until guests can register and clients are served, and fetch its development CA.  All that is believed of the
 * gateway comes over TLS that leads to the root which the YAML pins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/exit.h"
#include "cli/gateway_target.h"
#include "crypto/x509.h"
#include "data/gateway_place.h"
#include "data/json.h"
#include "loop/tls_call.h"

enum {
	WAIT_MS = 5 * 60 * 1000,
	TRY_MS = 10 * 1000,
	PAUSE_MS = 500,
	CA_MAX = 64 * 1024,
	STATUS_OK = 200,
	STATUS_NONE = 404,
};

/* What is told at the end. */
struct found {
	char *ca_file; /* where the development CA is; NULL: it has none */
	bool serves;   /* clients were served */
};

static int make_folder_of(const char *path, struct err *e)
{
	auto_free char *folder = xstrdup(path);
	char *end = strrchr(folder, '/');

	if (!end || end == folder)
		return 0;
	*end = 0;
	return file_mkdir_all(folder, 0700, e);
}

/* The token that its Admin service will take: made here, never shown. */
static int write_token(const char *path, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_secret struct secret32 random;
	char text[2 * SECRET_SIZE + 32], hex[2 * SECRET_SIZE + 1];
	ssize_t n = -1;
	int rc;

	if (fd < 0)
		return err_errno(e, errno, "making %s", path);
	secret_random(random.b, sizeof(random.b));
	str_hex(hex, random.b, sizeof(random.b));
	rc = str_format(text, sizeof(text), "ADMIN_API_TOKEN=%s\n", hex);
	if (rc > 0)
		n = write(fd, text, (size_t)rc);
	secret_wipe(hex, sizeof(hex));
	secret_wipe(text, sizeof(text));
	if (n == rc && fsync(fd) == 0)
		return 0;
	rc = err_errno(e, n < 0 ? errno : EIO, "writing %s", path);
	(void)unlink(path);
	return rc;
}

/* Does the app take the token by its environment, and is there no file of it yet? */
static int have_token(const struct cli *c, const struct app *a, struct err *e)
{
	const json_t *env = app_get(a, "env"), *name;
	auto_free char *path = xcalloc(1, ENV_FILE_PATH_MAX);
	bool is_taken = false;
	size_t i;
	int rc;

	json_array_foreach(env, i, name)
		is_taken = is_taken || str_equal(json_string_value(name), "ADMIN_API_TOKEN");
	if (!is_taken || !*app_str(a, "env_file"))
		return 0;
	rc = env_file_path(a, path, e);
	if (rc < 0 || access(path, F_OK) == 0 || errno != ENOENT)
		return rc;
	if (args_has(c->args, OPT_DRY_RUN)) {
		cli_say(c, "%s would be made, with a token\n", path);
		return err_set(e, ERR_INPUT, "there is no %s yet, so nothing can be sealed to try",
			       path);
	}
	rc = write_token(path, e);
	if (rc == 0)
		cli_say(c, "%s: made, with a token for its Admin service\n", path);
	return rc;
}

/* `bailey up` of that one file. */
static int up(struct cli *c, const char *file, struct err *e)
{
	struct args args = *c->args;
	const struct args *was = c->args;
	int rc;

	args.operands[0] = file;
	args.n = 1;
	c->args = &args;
	rc = cmd_up(c, e);
	c->args = was;
	return rc;
}

/* Until it answers 200, or another who answers is no gateway. */
static int wait_for(const struct gateway_target *t, const char *base, uint64_t end_ms,
		    struct err *e)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct tls_call_answer a;
	int rc;

	for (;;) {
		rc = gateway_target_get(t, base, "/health", TRY_MS, &a, e);
		if (rc == 0) {
			rc = a.status == STATUS_OK
				     ? 0
				     : err_set(e, ERR_UNREACHABLE, "%s answers with HTTP status %d",
					       base, a.status);
			tls_call_answer_deinit(&a);
		}
		if (rc == 0 || rc == ERR_UNPROVEN || rc == ERR_INPUT || time_mono_ms() > end_ms)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

/* ~/.config/bailey/gateway-DOMAIN.pem, or what is said. */
static int ca_path(const struct cli *c, const struct gateway_target *t, char **ret, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (args_has(c->args, OPT_CA_OUT))
		*ret = xstrdup(c->args->options[OPT_CA_OUT]);
	else if (config && *config == '/')
		*ret = xasprintf("%s/bailey/gateway-%s.pem", config, t->domain);
	else if (home && *home == '/')
		*ret = xasprintf("%s/.config/bailey/gateway-%s.pem", home, t->domain);
	else
		return err_set(e, ERR_INPUT, "where is its CA to be kept?  say --ca-out FILE");
	return 0;
}

/* One certificate, and nothing that a program which reads it could take for more. */
static int check_ca(const struct buf *pem, struct err *e)
{
	struct x509_cert *ca = NULL;
	int rc = pem->n > CA_MAX ? err_set(e, ERR_PROTO, "its CA is too large")
				 : x509_cert_read(pem->p, pem->n, &ca, e);

	x509_cert_free(ca);
	return rc < 0 ? err_wrap(e, ERR_PROTO, "what the gateway gives as its development CA") : 0;
}

/* A gateway with certificates of a public CA has none of its own. */
static int fetch_ca(const struct cli *c, const struct gateway_target *t, struct found *ret,
		    struct err *e)
{
	struct tls_call_answer a;
	int rc = gateway_target_get(t, t->url, "/dev-ca.pem", TRY_MS, &a, e);

	if (rc < 0)
		return rc;
	if (a.status == STATUS_OK)
		rc = check_ca(&a.body, e);
	else if (a.status != STATUS_NONE)
		rc = err_set(e, ERR_PROTO, "%s/dev-ca.pem: HTTP status %d", t->url, a.status);
	if (rc == 0 && a.status == STATUS_OK)
		rc = ca_path(c, t, &ret->ca_file, e);
	if (rc == 0 && ret->ca_file)
		rc = make_folder_of(ret->ca_file, e);
	if (rc == 0 && ret->ca_file)
		rc = file_replace(AT_FDCWD, ret->ca_file, 0644, a.body.p, a.body.n, e);
	tls_call_answer_deinit(&a);
	return rc;
}

/* As a client: below its domain, by its own CA.  A public one's certificate is for browsers to judge. */
static int try_client(const struct gateway_target *t, const struct found *f, uint64_t end_ms,
		      struct err *e)
{
	char base[GATEWAY_ADDRESS_SIZE];
	struct gateway_target client = GATEWAY_TARGET_NULL;
	int rc = gateway_address("gateway", GATEWAY_APP_PORT, t->domain, t->port, base,
				 sizeof(base));

	if (rc < 0)
		return err_set(e, ERR_INPUT, "the domain is too long");
	client.is_anybody = !f->ca_file;
	client.ca.max = CA_MAX + 1;
	rc = f->ca_file ? file_read(AT_FDCWD, f->ca_file, CA_MAX, &client.ca, e) : 0;
	if (rc == 0)
		rc = wait_for(&client, base, end_ms, e);
	gateway_target_deinit(&client);
	return rc;
}

static void say_id(const struct gateway_target *t, char hex[static 2 * GATEWAY_TARGET_ID + 1])
{
	str_hex(hex, t->id, sizeof(t->id));
}

static void show(const struct cli *c, const struct gateway_target *t, const struct found *f)
{
	char id[2 * GATEWAY_TARGET_ID + 1], port[8] = "";
	const char *ca = f->ca_file ? f->ca_file : "";

	say_id(t, id);
	if (t->port != GATEWAY_CLIENT_PORT)
		(void)str_format(port, sizeof(port), ":%u", t->port);
	cli_say(c,
		"\nthe KMS's allow-list names it, or apps do not believe it:\n"
		"  gateway_app_id: \"%s\"\n",
		id);
	cli_say(c, "an app is reached through it that says so in its YAML:\n  gateway: true\n");
	cli_say(c, "its clients:\n  curl %s%s%shttps://APP_ID.%s%s/\n", *ca ? "--cacert " : "", ca,
		*ca ? " " : "", t->domain, port);
	if (*ca)
		cli_say(c, "its development CA is in %s; browsers are to import it\n", ca);
	if (*t->admin)
		cli_say(c, "bailey gateway status %s shows how it is\n", t->app.file);
}

static void report(const struct cli *c, const struct gateway_target *t, const struct found *f)
{
	char id[2 * GATEWAY_TARGET_ID + 1];
	json_t *j;

	if (!c->wants_json) {
		show(c, t, f);
		return;
	}
	say_id(t, id);
	j = json_pack("{s:{s:s, s:i, s:s, s:s, s:s, s:b}}", "gateway", "domain", t->domain, "port",
		      (int)t->port, "url", t->url, "admin", t->admin, "app_id", id, "serves",
		      f->serves);
	(void)json_object_set_new(json_object_get(j, "gateway"), "ca_file",
				  f->ca_file ? json_text(f->ca_file) : json_null());
	cli_json(j);
	json_decref(j);
}

/* It was started: until who needs it can come. */
static int follow(const struct cli *c, const struct gateway_target *t, struct found *f,
		  struct err *e)
{
	struct err why = ERR_NONE;
	uint64_t timeout_ms = 0;
	int rc = cli_timeout(c, WAIT_MS, &timeout_ms, e);
	uint64_t end_ms = time_mono_ms() + timeout_ms;

	if (rc < 0)
		return rc;
	cli_say(c, "waiting for %s, where guests register\n", t->url);
	rc = wait_for(t, t->url, end_ms, e);
	if (rc == 0)
		rc = fetch_ca(c, t, f, e);
	if (rc < 0)
		return err_wrap(e, rc == ERR_UNREACHABLE ? ERR_BOOT : rc, "the gateway");
	cli_say(c, "waiting for *.%s, port %u, where clients come\n", t->domain, t->port);
	rc = try_client(t, f, end_ms, &why);
	f->serves = rc == 0;
	if (rc < 0) {
		return err_set(e, rc == ERR_UNREACHABLE ? ERR_BOOT : rc,
			       "the gateway is up, but its clients are not served: %s; does *.%s "
			       "lead here?",
			       why.text, t->domain);
	}
	return 0;
}

static bool is_followed(const struct cli *c)
{
	return !args_has(c->args, OPT_NO_WAIT) && !args_has(c->args, OPT_NO_START) &&
	       !args_has(c->args, OPT_DRY_RUN);
}

int cmd_gateway_up(struct cli *c, struct err *e)
{
	const char *file = c->args->n ? c->args->operands[0] : gateway_target_file;
	struct gateway_target t = GATEWAY_TARGET_NULL;
	struct found f = { .ca_file = NULL };
	int rc = gateway_target_read(c, &t, e);

	if (rc == 0 && !t.app.doc)
		rc = err_set(e, ERR_INPUT, "name its YAML, not a URL");
	if (rc == 0)
		rc = have_token(c, &t.app, e);
	if (rc == 0)
		rc = up(c, file, e);
	if (rc == 0 && is_followed(c) && c->api.is_remote)
		cli_say(c, "baileyd is on another host: whether it serves is seen there\n");
	else if (rc == 0 && is_followed(c))
		rc = follow(c, &t, &f, e);
	if (rc == 0 && !args_has(c->args, OPT_DRY_RUN))
		report(c, &t, &f);
	free(f.ca_file);
	gateway_target_deinit(&t);
	return rc;
}
