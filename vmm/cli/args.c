/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
	GLOBAL = OPT_BIT(OPT_HOST) | OPT_BIT(OPT_SOCKET) | OPT_BIT(OPT_JSON) | OPT_BIT(OPT_QUIET) |
		 OPT_BIT(OPT_HELP) | OPT_BIT(OPT_VERSION),
	NAME_MAX_LEN = 64,
};

const struct opt_spec opt_specs[OPT_COUNT] = {
	[OPT_HOST] = { "host", 'H', "URL",
		       "where baileyd is: unix:/PATH, ssh://NAME, https://NAME [$BAILEY_HOST]" },
	[OPT_SOCKET] = { "socket", 's', "PATH",
			 "baileyd's socket [$BAILEY_SOCKET, /run/bailey/baileyd.sock]" },
	[OPT_JSON] = { "json", 'j', NULL, "print JSON for programs" },
	[OPT_QUIET] = { "quiet", 'q', NULL, "print results and errors only" },
	[OPT_HELP] = { "help", 'h', NULL, "say how a command is used" },
	[OPT_VERSION] = { "version", 'V', NULL, "print the version of this program" },
	[OPT_NO_WAIT] = { "no-wait", 0, NULL, "do not wait for the end of what was begun" },
	[OPT_NO_START] = { "no-start", 0, NULL, "create or change the VM, but do not start it" },
	[OPT_TIMEOUT] = { "timeout", 't', "TIME", "give up waiting after this long: 90s, 10m" },
	[OPT_FORCE] = { "force", 'f', NULL, "do not ask, and do not wait for the guest's consent" },
	[OPT_FOLLOW] = { "follow", 'f', NULL, "go on as more comes" },
	[OPT_LINES] = { "lines", 'n', "N", "begin with the last N" },
	[OPT_CHANNEL] = { "channel", 'c', "NAME", "serial, stdout or stderr" },
	[OPT_RAW] = { "raw", 0, NULL, "bytes as they are, control bytes too; not to a terminal" },
	[OPT_CONFIG] = { "config", 0, "FILE",
			 "baileyd's configuration [/etc/bailey/baileyd.yaml]" },
	[OPT_TDX] = { "tdx", 0, NULL, "fail unless VMs with TDX work here" },
	[OPT_ONCE] = { "once", 0, NULL, "print one table and end" },
	[OPT_SORT] = { "sort", 0, "NAME", "by cpu, memory, disk, name, uptime or restarts" },
	[OPT_COLLATERAL] = { "collateral", 0, "FILE",
			     "what Intel publishes of the quote's platform, as JSON [fetched]" },
	[OPT_PCCS] = { "pccs", 0, "URL",
		       "fetch collateral from there [$BAILEY_PCCS_URL, else Intel's service]" },
	[OPT_REFRESH] = { "refresh", 0, NULL, "fetch collateral also if what is cached holds yet" },
	[OPT_ALLOW_HTTP] = { "allow-http", 0, NULL,
			     "take collateral from another host without TLS" },
	[OPT_OUTPUT] = { "output", 'o', "FILE", "write it there [stdout]" },
	[OPT_CPUS] = { "cpus", 0, "N", "vCPUs of the VM" },
	[OPT_MEMORY] = { "memory", 0, "SIZE", "its memory: 4G, 4096M" },
	[OPT_VM_CONFIG] = { "vm-config", 0, "FILE",
			    "the machine as evidence tells it; other options change it" },
	[OPT_QEMU] = { "qemu", 0, "BIN", "ask this one for ACPI tables [qemu-system-x86_64]" },
	[OPT_QEMU_VERSION] = { "qemu-version", 0, "V",
			       "the version that runs the VM: 9.2.1 [that of --qemu]" },
	[OPT_NICS] = { "nics", 0, "N", "network interfaces [1]" },
	[OPT_GPUS] = { "gpus", 0, "N", "GPUs [0]" },
	[OPT_HOTPLUG_OFF] = { "hotplug-off", 0, NULL, "without PCI hotplug" },
	[OPT_TWO_PASS] = { "two-pass", 0, NULL, "pages are added as QEMU 8 does" },
	[OPT_PIC] = { "pic", 0, "on|off", "the legacy interrupt controller [on for QEMU 8]" },
	[OPT_ACPI_TABLES] = { "acpi-tables", 0, "FILE",
			      "recorded etc/acpi/tables, in place of asking QEMU" },
	[OPT_EVENTS] = { "events", 0, NULL, "each event that makes the registers, too" },
	[OPT_AT] = { "at", 0, "UNIXTIME", "judge all dates as of then [now]" },
	[OPT_ROOT] = { "root", 0, "FILE",
		       "trust this certificate (DER or PEM) in place of Intel's: simulated" },
	[OPT_POLICY] = { "policy", 0, "NAME", "strict, or intel: the rules of Intel's library" },
	[OPT_ACCEPT] = { "accept", 0, "STATUS,...",
			 "statuses of the platform that will do [UpToDate]" },
	[OPT_IMAGE] = { "image", 0, "FOLDER", "the image that it must run on" },
	[OPT_IMAGE_HASH] = { "image-hash", 0, "HEX",
			     "its digest.txt, for an image whose measurements the app shows" },
	[OPT_COMPOSE] = { "compose", 0, "FILE",
			  "its app-compose.json, or YAML that this is made of [what it shows]" },
	[OPT_COMPOSE_HASH] = { "compose-hash", 0, "HEX", "the compose hash that it must have" },
	[OPT_APP_ID] = { "app-id", 0, "HEX", "the id of the app that it must be, or is for" },
	[OPT_NONCE] = { "nonce", 0, "HEX", "16 to 64 bytes that the quote must answer [new ones]" },
	[OPT_REPORT_DATA] = { "report-data", 0, "HEX", "the report data that the quote must hold" },
	[OPT_ALLOW_UNCHECKED] = { "allow-unchecked", 0, "NAME,...",
				  "checks that may stay undone for want of an input" },
	[OPT_RTMR3] = { "rtmr3", 0, "HEX", "what the events must make: RTMR3 of a quote" },
	[OPT_DRY_RUN] = { "dry-run", 0, NULL, "say what would change, and change nothing" },
	[OPT_NO_RESTART] = { "no-restart", 0, NULL,
			     "leave a running VM as it is until its next start" },
	[OPT_REGISTRY] = { "registry", 0, NULL, "those that could be pulled, and how pulls go" },
	[OPT_ALL] = { "all", 'a', NULL, "begin with the oldest that is kept, earlier boots too" },
	[OPT_ACCEPT_DRIFT] = { "accept-drift", 0, NULL,
			       "start although QEMU is another than at the last start" },
	[OPT_KMS] = { "kms", 0, "URL", "ask this key service [baileyd asks those that it knows]" },
	[OPT_SIGNER] = { "signer", 0, "HEX",
			 "who must have signed the app's key [kms_signer of --app]" },
	[OPT_APP] = { "app", 0, "FILE", "the app, as YAML that bailey up takes" },
	[OPT_CA] = { "ca", 0, "FILE",
		     "PEM of who must have signed its certificate [its YAML's pin]" },
	[OPT_CA_OUT] = { "ca-out", 0, "FILE",
			 "where the development CA is kept [~/.config/bailey/gateway-DOMAIN.pem]" },
	[OPT_TOKEN_FILE] = { "token-file", 0, "FILE",
			     "holds its token, mode 0600 [$BAILEY_GATEWAY_TOKEN, else env_file]" },
	[OPT_INSTANCE] = { "instance", 0, "ID", "this instance, not the whole gateway" },
	[OPT_LIFT] = { "lift", 0, NULL, "take it back: it may have new clients again" },
	[OPT_ALLOW_UNTIMED] = { "allow-untimed", 0, NULL,
				"take a key whose signature could be an old one" },
};

bool args_takes(const struct command *c, enum opt o)
{
	uint64_t bits = GLOBAL | (c ? c->options : 0);

	return (bits & OPT_BIT(o)) != 0;
}

/* The same letter means different options to different commands. */
static enum opt by_letter(const struct command *c, char letter)
{
	enum opt o;

	for (o = 0; o < OPT_COUNT; o++) {
		if (opt_specs[o].letter == letter && args_takes(c, o))
			return o;
	}
	return OPT_COUNT;
}

static enum opt by_name(const struct command *c, const char *name, size_t n)
{
	enum opt o;

	for (o = 0; o < OPT_COUNT; o++) {
		if (strlen(opt_specs[o].name) == n && memcmp(opt_specs[o].name, name, n) == 0 &&
		    args_takes(c, o))
			return o;
	}
	return OPT_COUNT;
}

static int unknown_option(const struct command *c, const char *arg, struct err *e)
{
	char shown[NAME_MAX_LEN];

	return err_set(e, ERR_INPUT, "no option %s%s%s; see bailey %s%s--help",
		       str_escape(shown, sizeof(shown), arg, strlen(arg)), c ? " for " : "",
		       c ? c->name : "", c ? c->name : "", c ? " " : "");
}

/* Give @o its value: @inline_value, or the next argument.  Return: arguments used up, or negative. */
static int take_value(struct args *a, enum opt o, const char *inline_value, const char *next,
		      struct err *e)
{
	const struct opt_spec *spec = &opt_specs[o];

	if (!spec->value && inline_value)
		return err_set(e, ERR_INPUT, "--%s takes no value", spec->name);
	if (!spec->value) {
		a->options[o] = "";
		return 0;
	}
	a->options[o] = inline_value ? inline_value : next;
	if (!a->options[o])
		return err_set(e, ERR_INPUT, "--%s needs a value: --%s %s", spec->name, spec->name,
			       spec->value);
	return inline_value ? 0 : 1;
}

static int read_long(struct args *a, const char *arg, const char *next, struct err *e)
{
	const char *name = arg + 2, *eq = strchr(name, '=');
	enum opt o = by_name(a->command, name, eq ? (size_t)(eq - name) : strlen(name));

	if (o == OPT_COUNT)
		return unknown_option(a->command, arg, e);
	return take_value(a, o, eq ? eq + 1 : NULL, next, e);
}

/* "-f", "-n20", "-fn 20". */
static int read_short(struct args *a, const char *arg, const char *next, struct err *e)
{
	const char *p;
	enum opt o;

	for (p = arg + 1; *p; p++) {
		o = by_letter(a->command, *p);
		if (o == OPT_COUNT)
			return unknown_option(a->command, arg, e);
		if (opt_specs[o].value)
			return take_value(a, o, p[1] ? p + 1 : NULL, next, e);
		a->options[o] = "";
	}
	return 0;
}

/* Does @word, or "@word @next", name a command?  *@ret_words says how many. */
static const struct command *named(const struct command *table, const char *word, const char *next,
				   int *ret_words)
{
	const struct command *c;
	size_t n = strlen(word);

	for (c = table; c->name; c++) {
		*ret_words = 1;
		if (str_equal(c->name, word))
			return c;
		*ret_words = 2;
		if (next && strncmp(c->name, word, n) == 0 && c->name[n] == ' ' &&
		    str_equal(c->name + n + 1, next))
			return c;
	}
	return NULL;
}

static int no_command(const struct command *table, const char *word, struct err *e)
{
	char shown[NAME_MAX_LEN], second[256] = "";
	const struct command *c;
	size_t n = strlen(word), at = 0;
	int used;

	for (c = table; c->name; c++) {
		if (strncmp(c->name, word, n) != 0 || c->name[n] != ' ')
			continue;
		used = str_format(second + at, sizeof(second) - at, "%s%s", at ? ", " : "",
				  c->name);
		at += used > 0 ? (size_t)used : 0;
	}
	if (at)
		return err_set(e, ERR_INPUT, "%s is not a whole command; write one of: %s", word,
			       second);
	return err_set(e, ERR_INPUT, "no command %s; bailey --help lists them",
		       str_escape(shown, sizeof(shown), word, n));
}

/* Is @word the first of two that name a command? */
static bool is_group(const struct command *table, const char *word)
{
	const struct command *c;
	size_t n = strlen(word);

	for (c = table; c->name; c++) {
		if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ')
			return true;
	}
	return false;
}

static bool is_help(const char *arg)
{
	return arg && (str_equal(arg, "--help") || str_equal(arg, "-h"));
}

/* A word that is no option: the command, or an operand of it.  Return: arguments beside it, or negative. */
static int read_word(const struct command *table, struct args *a, const char *word,
		     const char *next, struct err *e)
{
	int words = 1;

	if (a->command || a->n) {
		if (a->n == ARGS_MAX)
			return err_set(e, ERR_INPUT, "more than %d operands", (int)ARGS_MAX);
		a->operands[a->n++] = word;
		return 0;
	}
	if (str_equal(word, "help")) {
		a->options[OPT_HELP] = "";
		return 0;
	}
	a->command = named(table, word, next, &words);
	if (!a->command && is_group(table, word) && is_help(next)) {
		a->options[OPT_HELP] = ""; /* the help of all, which has the group's commands */
		return 0;
	}
	if (!a->command)
		return no_command(table, word, e);
	return words - 1;
}

static int check_operands(const struct args *a, struct err *e)
{
	const struct command *c = a->command;

	if (!c || args_has(a, OPT_HELP))
		return 0;
	if (a->n < c->min)
		return err_set(e, ERR_INPUT, "%s of what?  write: bailey %s %s", c->name, c->name,
			       c->operands);
	if (a->n > c->max)
		return err_set(e, ERR_INPUT, "too many operands; write: bailey %s %s", c->name,
			       c->operands);
	return 0;
}

int args_read(const struct command *table, char *const *argv, struct args *ret, struct err *e)
{
	struct args a = { .command = NULL };
	bool ended = false;
	int used = 0;

	for (; *argv; argv += 1 + used) {
		const char *arg = *argv, *next = argv[1];

		used = 0;
		if (!ended && str_equal(arg, "--"))
			ended = true;
		else if (!ended && str_starts(arg, "--"))
			used = read_long(&a, arg, next, e);
		else if (!ended && arg[0] == '-' && arg[1])
			used = read_short(&a, arg, next, e);
		else
			used = read_word(table, &a, arg, next, e);
		if (used < 0)
			return used;
	}
	used = check_operands(&a, e);
	if (used < 0)
		return used;
	*ret = a;
	return 0;
}

static int help_option(enum opt o, struct buf *b)
{
	const struct opt_spec *s = &opt_specs[o];
	char left[NAME_MAX_LEN];

	if (s->letter) {
		(void)str_format(left, sizeof(left), "-%c, --%s%s%s", s->letter, s->name,
				 s->value ? " " : "", s->value ? s->value : "");
	} else {
		(void)str_format(left, sizeof(left), "    --%s%s%s", s->name, s->value ? " " : "",
				 s->value ? s->value : "");
	}
	return buf_addf(b, "  %-22s %s\n", left, s->doc);
}

static int help_options(const struct command *c, uint64_t mask, struct buf *b)
{
	enum opt o;
	int rc = 0;

	for (o = 0; o < OPT_COUNT && rc == 0; o++) {
		if (args_takes(c, o) && (mask & OPT_BIT(o)))
			rc = help_option(o, b);
	}
	return rc;
}

static int help_command(const struct command *c, struct buf *b)
{
	int rc = buf_addf(b, "usage: bailey %s%s%s%s\n\n%s\n", c->name,
			  c->options ? " [options]" : "", *c->operands ? " " : "", c->operands,
			  c->doc);

	if (rc == 0 && c->options)
		rc = buf_add_str(b, "\noptions:\n");
	if (rc == 0)
		rc = help_options(c, c->options, b);
	if (rc == 0)
		rc = buf_add_str(b, "\nwith every command:\n");
	return rc == 0 ? help_options(NULL, GLOBAL, b) : rc;
}

int args_help(const struct command *table, const struct command *c, struct buf *ret)
{
	int rc;

	if (c)
		return help_command(c, ret);
	rc = buf_add_str(ret, "usage: bailey [options] COMMAND [options] ...\n\ncommands:\n");
	for (c = table; rc == 0 && c->name; c++)
		rc = buf_addf(ret, "  %-18s %s\n", c->name, c->doc);
	if (rc == 0)
		rc = buf_add_str(ret, "\nwith every command:\n");
	if (rc == 0)
		rc = help_options(NULL, GLOBAL, ret);
	return rc == 0 ? buf_add_str(ret,
				     "\nA VM is named by its name, its id, or the first digits "
				     "of its id.\nbailey COMMAND --help says more; so does "
				     "bailey(1).\n")
		       : rc;
}
