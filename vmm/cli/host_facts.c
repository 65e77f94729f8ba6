/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host_facts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "data/json.h"
#include "loop/child.h"

enum { FACTS_MAX = 256 * 1024, PROBE_MS = 180 * 1000, ENV_VARIABLES = 6 };

static const char default_config[] = "/etc/bailey/baileyd.yaml";

/* baileyd beside our own program, or in sbin beside its folder; else from PATH.  The caller frees. */
static char *baileyd_path(void)
{
	static const char *const places[] = { "baileyd", "../sbin/baileyd" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;
	char *path;
	size_t i;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	for (i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
		path = xasprintf("%.*s/%s", (int)(slash - self), self, places[i]);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup("baileyd");
}

/* What the folders of a user's own daemon depend on. */
static void environment(char *store[static ENV_VARIABLES], const char *ret[static ENV_VARIABLES])
{
	static const char *const names[] = { "PATH", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
					     "LC_ALL" };
	const char *value;
	size_t i, n = 0;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		value = getenv(names[i]);
		if (!value)
			continue;
		store[n] = xasprintf("%s=%s", names[i], value);
		ret[n] = store[n];
		n++;
	}
	ret[n] = NULL;
}

static json_t *probe_host(const struct cli *c, struct err *why)
{
	const char *config = c->args->options[OPT_CONFIG];
	char *store[ENV_VARIABLES] = { NULL };
	const char *env[ENV_VARIABLES], *argv[5] = { NULL };
	struct child_options o = {
		.argv = argv, .env = env, .timeout_ms = PROBE_MS, .output_max = FACTS_MAX
	};
	auto_buf struct buf out = BUF_MAX(FACTS_MAX);
	auto_free char *program = baileyd_path();
	json_t *facts = NULL;
	size_t i, n = 0;

	argv[n++] = program;
	argv[n++] = "--probe-host";
	if (!config && access(default_config, R_OK) == 0)
		config = default_config;
	if (config) {
		argv[n++] = "--config";
		argv[n++] = config;
	}
	environment(store, env);
	if (child_must(&o, &out, why) == 0 &&
	    json_parse(out.p, out.n, FACTS_MAX, "baileyd --probe-host", &facts, why) < 0)
		facts = NULL;
	for (i = 0; i < ENV_VARIABLES; i++)
		free(store[i]);
	return facts;
}

static int on_body(const void *p, size_t n, void *arg)
{
	return buf_add(arg, p, n);
}

/* What a daemon that runs found; NULL if none answers, or is too old to tell. */
static json_t *ask_daemon(const struct cli *c)
{
	auto_buf struct buf b = BUF_MAX(API_REPLY_MAX);
	json_t *stats = NULL, *facts = NULL;

	if (api_get(&c->api, "/stats?vms=none", on_body, &b, NULL) == 0 &&
	    json_parse(b.p, b.n, API_REPLY_MAX, "/stats", &stats, NULL) == 0)
		facts = json_incref(json_object_get(stats, "host"));
	json_decref(stats);
	return facts;
}

json_t *host_facts(const struct cli *c, bool *ret_is_serving, struct err *why)
{
	json_t *known = ask_daemon(c);

	*ret_is_serving = known != NULL;
	return known ? known : probe_host(c, why);
}
