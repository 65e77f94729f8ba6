/* SPDX-License-Identifier: Apache-2.0 */
/* config_api: the keys of "api" in baileyd.yaml, and what they must be to one another */
#include "daemon/config_api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "data/json.h"
#include "loop/listen.h"

static const char tcp[] = "tcp:";

static const char *address_of(const char *text)
{
	return str_starts(text, tcp) ? text + strlen(tcp) : text;
}

static int check_listen(const char *text, struct err *e)
{
	struct sockaddr_storage sa;

	if (listen_parse_tcp(address_of(text), &sa, NULL)) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is not an address; write tcp:127.0.0.1:9080 or "
			       "tcp:[::1]:9080",
			       text);
	}
	return 0;
}

static const char *const roles[] = { "operate", "read", NULL };

const struct conf_key config_api_keys[] = {
	{ .name = "socket",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 107,
	  .check = config_check_path,
	  .doc = "Unix socket of the API; the default is baileyd.sock in the run folder.",
	  .example = "/run/bailey/baileyd.sock" },
	{ .name = "users",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = CONFIG_USERS_MAX,
	  .doc = "Who may call over the socket, by name or uid, besides root and the user baileyd "
		 "runs as.",
	  .example = "[alice, 1001]" },
	{ .name = "readers",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = CONFIG_USERS_MAX,
	  .doc = "Who may call over the socket what changes nothing, by name or uid.",
	  .example = "[monitor]" },
	{ .name = "listen",
	  .type = CONF_STRINGS,
	  .min = 3,
	  .max = 64,
	  .most = CONFIG_LISTEN_MAX,
	  .check = check_listen,
	  .doc = "TCP addresses to answer on beside the socket; needs tokens_file or "
		 "htpasswd_file.",
	  .example = "[\"tcp:127.0.0.1:9080\"]" },
	{ .name = "tokens_file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_path,
	  .doc = "Who may call over TCP by a token: lines of role (read, operate), name and token, "
		 "or sha256: and its digest; a file of mode 0600.",
	  .example = "/etc/bailey/tokens" },
	{ .name = "htpasswd_file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_path,
	  .doc = "Who may call over TCP by a password: an htpasswd file with bcrypt hashes, of "
		 "mode "
		 "0600.",
	  .example = "/etc/bailey/htpasswd" },
	{ .name = "htpasswd_role",
	  .type = CONF_ENUM,
	  .values = roles,
	  .otherwise = "operate",
	  .doc = "What those users may do: everything, or only read." },
	{ .name = "tls_cert",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_path,
	  .doc = "Certificate, and those it stands on, of the TCP addresses, PEM; needs tls_key.",
	  .example = "/etc/bailey/cert.pem" },
	{ .name = "tls_key",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_path,
	  .doc = "Its private key, PEM; a file of mode 0600.",
	  .example = "/etc/bailey/key.pem" },
	{ .name = "hosts",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 253,
	  .most = CONFIG_HOSTS_MAX,
	  .doc = "Names by which a browser may reach a loopback address, besides localhost.",
	  .example = "[vmm.example.com]" },
	{ .name = "discovery",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Write a record in dstack-vmm of the user's runtime folder, by which dstack's "
		 "client "
		 "finds this daemon?" },
	{ .name = "insecure_loopback",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Answer on a loopback address without authentication?  Every user of this host, "
		 "and every program, may then do everything." },
	{ .name = "insecure_plaintext",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Take tokens and passwords without TLS on addresses that are not loopback?" },
	{ .name = NULL },
};

static bool is_loopback(const char *address)
{
	struct sockaddr_storage sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&sa;

	if (listen_parse_tcp(address, &sa, NULL))
		return false;
	if (sa.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static int read_users(const json_t *list, const char *name, uint32_t *ret, size_t *ret_n,
		      const struct config *c, const char *file, struct err *e)
{
	const struct passwd *pw;
	char key[32];
	const char *s;
	size_t i;

	for (i = 0; i < json_array_size(list) && i < CONFIG_USERS_MAX; i++) {
		s = json_string_value(json_array_get(list, i));
		if (num_parse_u32(s, 0, UINT32_MAX - 1, &ret[i])) {
			pw = getpwnam(s);
			(void)str_format(key, sizeof(key), "api.%s[%zu]", name, i);
			if (!pw) {
				return err_set(e, ERR_INPUT,
					       "%s:%d: %s: there is no user \"%s\" on this host",
					       file, conf_line(c->doc, key), key, s);
			}
			ret[i] = pw->pw_uid;
		}
		++*ret_n;
	}
	return 0;
}

/* Who can reach an address must be known there, and what it says must not be for others to hear. */
static const char *what_is_missing(const struct config_api *a, const struct config_listen *l)
{
	if (!a->tokens_file && !a->htpasswd_file && !l->is_loopback)
		return "has no authentication; give api.tokens_file or api.htpasswd_file";
	if (!a->tokens_file && !a->htpasswd_file && !a->insecure_loopback)
		return "has no authentication; give api.tokens_file or api.htpasswd_file, or say "
		       "api.insecure_loopback: true";
	if (!l->is_loopback && !a->tls_cert && !a->insecure_plaintext)
		return "would take tokens and passwords in plain text; give api.tls_cert and "
		       "api.tls_key, or say api.insecure_plaintext: true";
	return NULL;
}

static int read_listen(const json_t *list, struct config *c, const char *file, struct err *e)
{
	struct config_api *a = &c->api;
	struct config_listen *l;
	const char *missing;
	char key[32];
	size_t i;

	for (i = 0; i < json_array_size(list) && i < CONFIG_LISTEN_MAX; i++) {
		l = &a->listen[a->n_listen++];
		l->address = address_of(json_string_value(json_array_get(list, i)));
		l->is_loopback = is_loopback(l->address);
		missing = what_is_missing(a, l);
		(void)str_format(key, sizeof(key), "api.listen[%zu]", i);
		if (missing)
			return err_set(e, ERR_INPUT, "%s:%d: %s: %s %s", file,
				       conf_line(c->doc, key), key, l->address, missing);
	}
	return 0;
}

int config_read_api(struct config *c, const char *file, struct err *e)
{
	const json_t *o = json_object_get(c->doc, "api"), *hosts = json_object_get(o, "hosts");
	struct config_api *a = &c->api;
	size_t i;
	int rc;

	a->tokens_file = json_get_opt(o, "tokens_file");
	a->htpasswd_file = json_get_opt(o, "htpasswd_file");
	a->htpasswd_reads = str_equal(json_get_str(o, "htpasswd_role", ""), "read");
	a->tls_cert = json_get_opt(o, "tls_cert");
	a->tls_key = json_get_opt(o, "tls_key");
	a->insecure_loopback = json_get_bool(o, "insecure_loopback", false);
	a->discovery = json_get_bool(o, "discovery", true);
	a->insecure_plaintext = json_get_bool(o, "insecure_plaintext", false);
	for (i = 0; i < json_array_size(hosts) && i < CONFIG_HOSTS_MAX; i++)
		a->hosts[a->n_hosts++] = json_string_value(json_array_get(hosts, i));
	if (!a->tls_cert != !a->tls_key) {
		return err_set(e, ERR_INPUT, "%s:%d: api.%s: needs api.%s", file,
			       conf_line(c->doc, a->tls_cert ? "api.tls_cert" : "api.tls_key"),
			       a->tls_cert ? "tls_cert" : "tls_key",
			       a->tls_cert ? "tls_key" : "tls_cert");
	}
	rc = read_users(json_object_get(o, "users"), "users", c->users, &c->n_users, c, file, e);
	if (!rc)
		rc = read_users(json_object_get(o, "readers"), "readers", a->readers, &a->n_readers,
				c, file, e);
	return rc ? rc : read_listen(json_object_get(o, "listen"), c, file, e);
}
