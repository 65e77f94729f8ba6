/* SPDX-License-Identifier: Apache-2.0 */
/* config_table: every key of bailey-kms.yaml; bailey-kms.yaml(5) says the same */
#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "kms/config.h"
#include "loop/listen.h"
#include "tee/tcb.h"

#define KIB ((uint64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

enum { DOMAIN_MAX = 253, LABEL_MAX = 63, MINUTE_MS = 60 * 1000 };

static bool is_label(const char *p, size_t n)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	return n > 0 && n <= LABEL_MAX && strspn(p, allowed) >= n && p[0] != '-' && p[n - 1] != '-';
}

static bool is_address(const char *text)
{
	uint8_t raw[16];

	return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

bool kms_config_is_domain(const char *text)
{
	size_t n;

	if (is_address(text))
		return true;
	if (strlen(text) > DOMAIN_MAX)
		return false;
	for (;; text += n + 1) {
		n = strcspn(text, ".");
		if (!is_label(text, n))
			return false;
		if (!text[n])
			return true;
	}
}

static int check_domain(const char *text, struct err *e)
{
	return kms_config_is_domain(text)
		       ? 0
		       : err_set(e, ERR_INPUT,
				 "\"%s\" is neither a domain nor an IP address; write "
				 "kms.example.org or 10.0.2.2",
				 text);
}

static int check_listen(const char *text, struct err *e)
{
	struct sockaddr_storage a;

	return listen_parse_tcp(text, &a, NULL) == 0
		       ? 0
		       : err_set(e, ERR_INPUT,
				 "\"%s\" is not ADDRESS:PORT; write 0.0.0.0:8000 or [::]:8000",
				 text);
}

static int check_path(const char *text, struct err *e)
{
	return *text == '/' ? 0
			    : err_set(e, ERR_INPUT, "\"%s\" is not an absolute path; begin with /",
				      text);
}

static int check_url(const char *text, struct err *e)
{
	return str_starts(text, "https://") || str_starts(text, "http://")
		       ? 0
		       : err_set(e, ERR_INPUT, "\"%s\" is not a URL; begin with https://", text);
}

static int check_signer(const char *text, struct err *e)
{
	uint8_t spki[P256_SPKI], point[P256_POINT];

	return str_unhex(spki, sizeof(spki), text) == 0 &&
			       p256_spki_read(spki, sizeof(spki), point, NULL) == 0
		       ? 0
		       : err_set(e, ERR_INPUT,
				 "is not the hex of a P-256 key's SubjectPublicKeyInfo; write what "
				 "openssl pkey -pubout -outform DER makes, in hex");
}

static int check_status(const char *text, struct err *e)
{
	enum tcb_status s = tcb_status_of(text);

	if (s == TCB_NONE) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is no status; write one of UpToDate, SWHardeningNeeded, "
			       "ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, "
			       "OutOfDateConfigurationNeeded, TDRelaunchAdvised, "
			       "TDRelaunchAdvisedConfigurationNeeded",
			       text);
	}
	return s == TCB_REVOKED ? err_set(e, ERR_INPUT, "Revoked is never accepted") : 0;
}

#define PATH_KEY(key, text)                                                                        \
	.name = (key), .type = CONF_STRING, .min = 2, .max = 255, .check = check_path, .doc = (text)

static const struct conf_key seal_keys[] = {
	{ PATH_KEY("key_file", "File of mode 0600 with 64 hex digits that seals the root keys, for "
			       "development; without it a key of the guest's agent does."),
	  .example = "/etc/bailey-kms/seal.key" },
	{ .name = NULL },
};

static const struct conf_key onboard_keys[] = {
	{ .name = "auto_bootstrap",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Make root keys at the first start, if there are none." },
	{ .name = "listen",
	  .type = CONF_STRING,
	  .min = 3,
	  .max = 64,
	  .otherwise = "127.0.0.1:8000",
	  .check = check_listen,
	  .doc = "Where the onboarding service answers, by plain HTTP, while there are no keys." },
	{ PATH_KEY("token_file", "File of mode 0600 with the token that each of its calls must "
				 "bring; without it there is no onboarding service."),
	  .example = "/etc/bailey-kms/setup.token" },
	{ .name = NULL },
};

static const struct conf_key authorize_keys[] = {
	{ PATH_KEY("file",
		   "The allow-list, bailey-kms-allow.yaml(5).  Read again whenever it changed."),
	  .example = "/etc/bailey-kms/allow.yaml" },
	{ .name = "signer",
	  .type = CONF_STRING,
	  .min = 2 * P256_SPKI,
	  .max = 2 * P256_SPKI,
	  .check = check_signer,
	  .doc = "Who must have signed the allow-list: a P-256 key as SubjectPublicKeyInfo, in "
		 "hex.  Without it whoever can write the file decides.",
	  .example = "3059301306072a8648ce3d020106082a8648ce3d0301070342000491f50522407ce29dce3ed7"
		     "d31a15d80c1c42f13a23552d2b33a0ce09ee11e47bce95936f3e7f80d195f879e28e1b144ef3"
		     "7ac9ab8e36a690cbf930b775897b27" },
	{ .name = "webhook",
	  .type = CONF_STRING,
	  .min = 8,
	  .max = 1024,
	  .check = check_url,
	  .doc = "URL of a server that is asked instead of the allow-list.",
	  .example = "https://auth.example.org" },
	{ PATH_KEY("webhook_ca", "PEM of who may sign that server's certificate; the default is "
				 "whom this machine trusts."),
	  .example = "/etc/bailey-kms/webhook-ca.pem" },
	{ .name = "webhook_timeout",
	  .type = CONF_DURATION,
	  .min = 100,
	  .max = MINUTE_MS,
	  .otherwise = "10s",
	  .doc = "How long it may take; then nothing is allowed." },
	{ .name = NULL },
};

static const struct conf_key root_keys[] = {
	{ PATH_KEY("root", "The root certificate, PEM."), .required = true,
	  .example = "/etc/bailey-kms/simulator.pem" },
	{ PATH_KEY("collateral", "A file of collateral, as bailey-simulator collateral prints it."),
	  .example = "/etc/bailey-kms/simulator.json" },
	{ .name = "pccs",
	  .type = CONF_STRING,
	  .min = 8,
	  .max = 1024,
	  .check = check_url,
	  .doc = "URL of a service that has the collateral instead.",
	  .example = "http://127.0.0.1:8081" },
	{ .name = NULL },
};

static const struct conf_key quotes_keys[] = {
	{ .name = "accept",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = 16,
	  .check = check_status,
	  .doc = "TCB statuses that are accepted besides UpToDate.",
	  .example = "[SWHardeningNeeded]" },
	{ .name = "pccs",
	  .type = CONF_STRING,
	  .min = 8,
	  .max = 1024,
	  .check = check_url,
	  .doc = "URL of a PCCS; the default is Intel's service.",
	  .example = "https://localhost:8081" },
	{ PATH_KEY("pccs_ca", "PEM of who may sign its certificate; the default is whom this "
			      "machine trusts."),
	  .example = "/etc/bailey-kms/pccs-ca.pem" },
	{ .name = "pccs_http",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "May it be asked without TLS?  What it gives is signed, but who sees the "
		 "requests learns of the platforms." },
	{ .name = "pccs_timeout",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = MINUTE_MS,
	  .otherwise = "20s",
	  .doc = "How long fetching may take." },
	{ .name = "simulated_roots",
	  .type = CONF_MAPS,
	  .keys = root_keys,
	  .most = KMS_CONFIG_ROOTS_MAX,
	  .doc = "Roots that are believed besides Intel's, for development: whoever has a "
		 "simulator's seed gets every key.",
	  .example = "[{ root: /etc/bailey-kms/simulator.pem, collateral: "
		     "/etc/bailey-kms/simulator.json }]" },
	{ .name = NULL },
};

static const char *const acpi[] = { "claimed", "computed", NULL };

static const struct conf_key image_keys[] = {
	{ PATH_KEY("folder", "Folder of images, for guests whose vm_config carries no measurement "
			     "document."),
	  .example = "/var/lib/bailey/image" },
	{ .name = "acpi",
	  .type = CONF_ENUM,
	  .values = acpi,
	  .otherwise = "claimed",
	  .doc = "Whose ACPI tables must be in RTMR0: those that the guest's log tells of, which "
		 "its host chose, or those that QEMU makes for such a machine." },
	{ PATH_KEY("qemu", "The QEMU that is asked; the default is qemu-system-x86_64 of PATH."),
	  .example = "/usr/bin/qemu-system-x86_64" },
	{ .name = NULL },
};

static const struct conf_key admin_keys[] = {
	{ .name = "listen",
	  .type = CONF_STRING,
	  .min = 3,
	  .max = 64,
	  .check = check_listen,
	  .doc = "Where the service Admin answers, by plain HTTP; without it there is none.",
	  .example = "127.0.0.1:8001" },
	{ PATH_KEY("token_file", "File of mode 0600 with the token that its calls must bring."),
	  .example = "/etc/bailey-kms/admin.token" },
	{ .name = NULL },
};

static const struct conf_key limit_keys[] = {
	{ .name = "connections",
	  .type = CONF_UINT,
	  .min = 4,
	  .max = 4096,
	  .otherwise = "256",
	  .doc = "Connections at once." },
	{ .name = "address_connections",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 4096,
	  .otherwise = "64",
	  .doc = "Connections of each client address (IPv6: of its /64)." },
	{ .name = "address_rate",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 100000,
	  .otherwise = "50",
	  .doc = "Requests a second of each client address." },
	{ .name = "address_burst",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 100000,
	  .otherwise = "200",
	  .doc = "Requests at once of each above that rate." },
	{ .name = "requests",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1024,
	  .otherwise = "128",
	  .doc = "Requests that are being answered or wait for it; more are refused." },
	{ .name = "verifications",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 64,
	  .otherwise = "4",
	  .doc = "Attestations that are verified at once." },
	{ .name = NULL },
};

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

const struct conf_key kms_config_table[] = {
	{ .name = "domain",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = DOMAIN_MAX,
	  .required = true,
	  .check = check_domain,
	  .doc = "By which name or address guests reach it: of its certificate.",
	  .example = "10.0.2.2" },
	{ .name = "names",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = DOMAIN_MAX,
	  .most = KMS_CONFIG_NAMES_MAX - 1,
	  .check = check_domain,
	  .doc = "Further names and addresses.",
	  .example = "[ localhost ]" },
	{ .name = "listen",
	  .type = CONF_STRINGS,
	  .min = 3,
	  .max = 64,
	  .most = KMS_CONFIG_LISTEN_MAX,
	  .check = check_listen,
	  .doc = "Where it answers; the default is 0.0.0.0:8000.",
	  .example = "[ 0.0.0.0:8000 ]" },
	{ PATH_KEY("state", "Folder of its sealed keys, its audit log and its cache."),
	  .otherwise = "/var/lib/bailey-kms" },
	{ .name = "user",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .doc = "Whom to become when started as root.",
	  .example = "bailey-kms" },
	{ .name = "log",
	  .type = CONF_ENUM,
	  .values = levels,
	  .otherwise = "info",
	  .doc = "Which lines are logged." },
	{ PATH_KEY("agent", "The socket of the guest's agent; without it nothing is attested."),
	  .example = "/var/run/dstack.sock" },
	{ .name = "attest_certificate",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Put an attestation into its own certificate; needs agent." },
	{ .name = "self_authorization",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Ask who authorises, before each use of the root keys, whether this very KMS may "
		 "have them; needs agent." },
	{ .name = "seal", .type = CONF_MAP, .keys = seal_keys, .doc = "Root keys at rest:" },
	{ .name = "onboard",
	  .type = CONF_MAP,
	  .keys = onboard_keys,
	  .doc = "Where root keys come from at first:" },
	{ .name = "authorize",
	  .type = CONF_MAP,
	  .keys = authorize_keys,
	  .doc = "Who may have keys; one of file and webhook is needed:" },
	{ .name = "quotes", .type = CONF_MAP, .keys = quotes_keys, .doc = "What proves who asks:" },
	{ .name = "images",
	  .type = CONF_MAP,
	  .keys = image_keys,
	  .doc = "What a guest's registers must be:" },
	{ .name = "admin", .type = CONF_MAP, .keys = admin_keys, .doc = "For its operator:" },
	{ .name = "metrics", .type = CONF_BOOL, .otherwise = "true", .doc = "Answer /metrics?" },
	{ .name = "audit_max",
	  .type = CONF_SIZE,
	  .min = 64 * KIB,
	  .max = 4 * GIB,
	  .otherwise = "64M",
	  .doc = "How large audit.jsonl may become before it begins anew; the one before is "
		 "kept." },
	{ .name = "limits", .type = CONF_MAP, .keys = limit_keys, .doc = "What clients may use:" },
	{ .name = NULL },
};
