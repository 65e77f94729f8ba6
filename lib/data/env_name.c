/* SPDX-License-Identifier: Apache-2.0 */
#include "data/env_name.h"

#include <stdbool.h>
#include <string.h>

/*
 * Read by the loader, the C library, shells, or who starts containers, before an app has a say; and where an app's
 * SDK looks for its agent.
 */
static const char *const forbidden[] = {
	"BASHOPTS",
	"BASH_ENV",
	"BASH_LOADABLES_PATH",
	"BASH_XTRACEFD",
	"BUILDKIT_HOST",
	"CDPATH",
	"CONTAINERD_ADDRESS",
	"CONTAINERD_NAMESPACE",
	"CONTAINERD_SNAPSHOTTER",
	"DOCKER_API_VERSION",
	"DOCKER_CERT_PATH",
	"DOCKER_CONFIG",
	"DOCKER_CONTEXT",
	"DOCKER_HOST",
	"DOCKER_TLS",
	"DOCKER_TLS_VERIFY",
	"DSTACK_AGENT_ADDRESS",
	"DSTACK_HOST_SHARED_DIR",
	"DSTACK_SIMULATOR_ENDPOINT",
	"ENV",
	"GCONV_PATH",
	"GETCONF_DIR",
	"GLIBC_TUNABLES",
	"HOSTALIASES",
	"IFS",
	"LOCALDOMAIN",
	"LOCPATH",
	"NERDCTL_TOML",
	"NLSPATH",
	"NODE_OPTIONS",
	"PATH",
	"PERL5LIB",
	"PERL5OPT",
	"PROMPT_COMMAND",
	"PS4",
	"PYTHONHOME",
	"PYTHONPATH",
	"PYTHONSTARTUP",
	"RESOLV_HOST_CONF",
	"RES_OPTIONS",
	"RUBYOPT",
	"SHELLOPTS",
	"TAPPD_SIMULATOR_ENDPOINT",
};

/* Whole families: LD_PRELOAD, LD_AUDIT; COMPOSE_FILE names what is run; and our own. */
static const char *const families[] = { "LD_", "COMPOSE_", "BAILEY_", "SYSTEMD_" };

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_forbidden(const char *name, size_t n)
{
	size_t i, k;

	for (i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		if (strlen(forbidden[i]) == n && memcmp(forbidden[i], name, n) == 0)
			return true;
	}
	for (i = 0; i < sizeof(families) / sizeof(*families); i++) {
		k = strlen(families[i]);
		if (n >= k && memcmp(families[i], name, k) == 0)
			return true;
	}
	return false;
}

enum env_name env_name_check(const char *name, size_t n)
{
	size_t i;

	if (n == 0)
		return ENV_NAME_EMPTY;
	if (n > ENV_NAME_MAX)
		return ENV_NAME_LONG;
	for (i = 0; i < n; i++) {
		if (!is_letter(name[i]) && (i == 0 || name[i] < '0' || name[i] > '9'))
			return ENV_NAME_FORM;
	}
	return is_forbidden(name, n) ? ENV_NAME_FORBIDDEN : ENV_NAME_OK;
}

const char *env_name_text(enum env_name v)
{
	static const char *const texts[ENV_NAME_COUNT] = {
		[ENV_NAME_OK] = "may be the name of a variable",
		[ENV_NAME_EMPTY] = "is empty; write the name of a variable",
		[ENV_NAME_FORM] = "is not the name of a variable; write letters, digits and _, not "
				  "beginning with a digit",
		[ENV_NAME_LONG] = "is longer than 255 bytes; write a shorter name",
		[ENV_NAME_FORBIDDEN] = "changes which program runs, and is never given to an app; "
				       "write another name",
	};

	return v < ENV_NAME_COUNT ? texts[v] : "is no name";
}
