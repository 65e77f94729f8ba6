/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "loop/listen.h"
#include "tee/root.h"
#include "tee/tcb.h"

#define UNIX "unix:"

enum { UNIX_PATH_MAX = 107, MS_OF_S = 1000 };

static int check_listen(const char *text, struct err *e)
{
	struct sockaddr_storage a;
	const char *path = text + strlen(UNIX);

	if (str_starts(text, UNIX) ? *path == '/' && strlen(path) <= UNIX_PATH_MAX
				   : listen_parse_tcp(text, &a, NULL) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%s\" is no address; write 127.0.0.1:3443 or unix:/run/x.sock", text);
}

static int check_path(const char *text, struct err *e)
{
	return *text == '/' ? 0 : err_set(e, ERR_INPUT, "\"%s\" does not begin with a slash", text);
}

static int check_status(const char *text, struct err *e)
{
	enum tcb_status s = tcb_status_of(text);

	if (s == TCB_REVOKED)
		return err_set(e, ERR_INPUT, "a platform that is Revoked is never accepted");
	return s != TCB_NONE
		       ? 0
		       : err_set(e, ERR_INPUT,
				 "\"%s\" is no status of Intel's; write UpToDate or another", text);
}

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const enum log_level level_of[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
					   LOG_LEVEL_DEBUG };

static const struct conf_key pccs_keys[] = {
	{ .name = "url",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 400,
	  .doc = "The service that has the collateral of quotes; the default is Intel's.",
	  .example = "https://pccs.example.com:8081" },
	{ .name = "ca_file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 255,
	  .check = check_path,
	  .doc = "Who may sign its certificate, PEM; the default is whom this host trusts.",
	  .example = "/etc/bailey/pccs-ca.pem" },
	{ .name = "allow_http",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Ask another host without TLS?  Anybody on the way could then keep new "
		 "revocations back." },
	{ .name = "timeout",
	  .type = CONF_DURATION,
	  .min = MS_OF_S,
	  .max = 60 * MS_OF_S,
	  .otherwise = "20s",
	  .doc = "How long all collateral of one quote may take." },
	{ .name = NULL },
};

const struct conf_key config_keys[] = {
	{ .name = "listen",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 255,
	  .otherwise = "127.0.0.1:3443",
	  .check = check_listen,
	  .doc = "Where requests come in: an address with its port, or unix: and the path of a "
		 "socket." },
	{ .name = "state",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 200,
	  .check = check_path,
	  .doc = "Folder of its keys and its audit log; the default is "
		 "/var/lib/bailey-key-provider for root and under systemd, else "
		 "~/.local/state/bailey-key-provider.",
	  .example = "/var/lib/bailey-key-provider" },
	{ .name = "user",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .otherwise = "bailey-key-provider",
	  .doc = "Who it becomes when it is started as root; root: it stays that." },
	{ .name = "log",
	  .type = CONF_ENUM,
	  .values = levels,
	  .otherwise = "info",
	  .doc = "Which lines are logged." },
	{ .name = "accept",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = TCB_STATUS_COUNT,
	  .check = check_status,
	  .doc = "Which statuses of a platform do, in Intel's words; the default is UpToDate "
		 "alone.",
	  .example = "[UpToDate, SWHardeningNeeded]" },
	{ .name = "pccs",
	  .type = CONF_MAP,
	  .keys = pccs_keys,
	  .doc = "Where the collateral of quotes comes from." },
	{ .name = "simulated_root",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 255,
	  .check = check_path,
	  .doc = "For development: believe quotes under this root (PEM or DER) and not under "
		 "Intel's; with keys of its own, so that no real guest's key can be had so.",
	  .example = "/etc/bailey/simulated-root.pem" },
	{ .name = NULL },
};

static char *default_state(void)
{
	const char *service = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");

	if (service && *service == '/')
		return xstrdup(service);
	if (geteuid() == 0 || !home || *home != '/')
		return xstrdup("/var/lib/bailey-key-provider");
	if (xdg && *xdg == '/')
		return xasprintf("%s/bailey-key-provider", xdg);
	return xasprintf("%s/.local/state/bailey-key-provider", home);
}

static uint32_t statuses(const json_t *list)
{
	uint32_t mask = 0;
	const json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
		mask |= 1u << tcb_status_of(json_string_value(j));
	return mask ? mask : 1u << TCB_UP_TO_DATE;
}

static enum log_level level(const char *name)
{
	size_t i = 0;

	while (levels[i + 1] && !str_equal(levels[i], name))
		i++;
	return level_of[i];
}

/* "" is as good as nothing. */
static const char *text_or_null(const json_t *o, const char *key)
{
	const char *s = json_get_str(o, key, "");

	return *s ? s : NULL;
}

static int read_root(struct config *c, const char *file, struct err *e)
{
	const char *path = text_or_null(c->doc, "simulated_root");
	auto_buf struct buf text = BUF_MAX(0);
	int rc;

	c->is_simulated = path != NULL;
	if (!path) {
		c->root = root_intel();
		return 0;
	}
	rc = file_read(AT_FDCWD, path, CONFIG_ROOT_MAX, &text, e);
	if (rc == 0)
		rc = x509_cert_read(text.p, text.n, &c->root, e);
	if (rc == 0 && root_is_intel(c->root))
		rc = err_set(e, ERR_INPUT, "that is Intel's own; leave the key away");
	return rc < 0 ? err_wrap(e, rc, "%s:%d: simulated_root", file,
				 conf_line(c->doc, "simulated_root"))
		      : 0;
}

static int take(struct config *c, const char *file, struct err *e)
{
	const json_t *pccs = json_object_get(c->doc, "pccs");
	const char *state = text_or_null(c->doc, "state");

	c->listen = json_get_str(c->doc, "listen", "");
	c->user = json_get_str(c->doc, "user", "");
	c->state = state ? xstrdup(state) : default_state();
	c->log = level(json_get_str(c->doc, "log", "info"));
	c->accept = statuses(json_object_get(c->doc, "accept"));
	c->pccs_url = text_or_null(pccs, "url");
	c->pccs_ca_file = text_or_null(pccs, "ca_file");
	c->pccs_may_http = json_is_true(json_object_get(pccs, "allow_http"));
	c->pccs_timeout_ms = (unsigned int)json_get_u64(pccs, "timeout", 0);
	return read_root(c, file, e);
}

int config_read(const char *file, struct config **ret, struct err *e)
{
	struct config *c = xnew(struct config);
	int rc = file ? conf_load_file(config_keys, file, &c->doc, e)
		      : conf_load(config_keys, "", 0, "defaults", &c->doc, e);

	if (rc == 0)
		rc = take(c, file ? file : "defaults", e);
	if (rc < 0) {
		config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

/* JSON is YAML: it can be read again. */
void config_print(const struct config *c, struct buf *ret)
{
	json_t *doc = json_deep_copy(c->doc);
	auto_free char *timeout = xasprintf("%ums", c->pccs_timeout_ms);
	auto_free char *text = NULL;

	conf_forget_lines(doc);
	(void)json_object_set_new(doc, "state", json_string(c->state));
	(void)json_object_set_new(json_object_get(doc, "pccs"), "timeout", json_string(timeout));
	text = json_pretty(doc);
	json_decref(doc);
	(void)buf_addf(ret, "%s\n", text);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	x509_cert_free(c->root);
	free(c->state);
	json_decref(c->doc);
	free(c);
}
