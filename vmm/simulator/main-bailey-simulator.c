/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bailey-simulator: the root, the collateral and quotes of simulated TDs, for who writes or tests a verifier
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/version.h"
#include "data/json.h"
#include "simulator/simulator.h"
#include "simulator/td_json.h"
#include "vmm/simulator/serve.h"

enum {
	EXIT_USAGE = 2,
	SEED_FILE_MAX = 256,
	TD_FILE_MAX = 64 * 1024,
	ROOT_MAX = 4096,
	PEM_LINE = 64,
};

#define WHAT	 "say root, collateral, quote or serve; see --help"
#define TIME_MAX INT64_C(253402300799) /* the year 9999 ends */

static const char usage[] =
	"usage: bailey-simulator root|collateral|quote|serve --seed FILE [options]\n"
	"\n"
	"What a verifier needs of simulated TDs, made of the seed that they have from their host.\n"
	"It proves nothing: who has the seed can sign anything.\n"
	"\n"
	"  root               the root certificate in PEM\n"
	"  collateral         what Intel would publish of such a platform\n"
	"  quote              a quote in hex\n"
	"  serve              answer as a PCCS, over HTTP, until it is told to end\n"
	"\n"
	"  -s, --seed FILE    64 hex digits, as in tee_simulator.seed of baileyd.yaml\n"
	"  --at UNIXTIME      when collateral is asked for: it is good from a day before to\n"
	"                     30 days after [now]\n"
	"  --enclave          collateral of SGX enclaves on that platform, not of TDs\n"
	"  --listen ADDRESS   where to serve: 127.0.0.1:PORT, 0 for any port, or unix:PATH\n"
	"  --td FILE          what the TD says: JSON, as \"report\" in an answer of bailey verify\n"
	"  -h, --help\n"
	"  -V, --version\n";

struct wanted {
	const char *seed, *td, *listen;
	int64_t at; /* negative: now */
	bool is_enclave;
};

enum { OPT_AT = 256, OPT_TD, OPT_ENCLAVE, OPT_LISTEN };

static const struct option table[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "at", required_argument, NULL, OPT_AT },
	{ "td", required_argument, NULL, OPT_TD },
	{ "enclave", no_argument, NULL, OPT_ENCLAVE },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int read_seed(const char *path, uint8_t seed[static SIMULATOR_SEED_SIZE], struct err *e)
{
	auto_buf struct buf text = BUF_MAX(0);
	int rc;

	if (!path)
		return err_set(e, ERR_INPUT, "whose quotes?  Give --seed FILE");
	rc = file_read(AT_FDCWD, path, SEED_FILE_MAX, &text, e);
	if (rc < 0)
		return rc;
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' '))
		text.p[--text.n] = 0;
	if (strlen((const char *)text.p) != text.n ||
	    str_unhex(seed, SIMULATOR_SEED_SIZE, (const char *)text.p) < 0)
		return err_set(e, ERR_INPUT, "'%s' is not 64 hex digits", path);
	return 0;
}

static int put_root(const struct simulator *s, const struct wanted *w, struct buf *out,
		    struct err *e)
{
	auto_buf struct buf text = BUF_MAX(ROOT_MAX);
	size_t n = 0, at;
	const uint8_t *der = simulator_root(s, &n);

	(void)w;
	if (base64_encode(&text, der, n) < 0)
		return err_set(e, -ENOMEM, "no memory");
	(void)buf_add_str(out, "-----BEGIN CERTIFICATE-----\n");
	for (at = 0; at < text.n; at += PEM_LINE)
		(void)buf_addf(out, "%.*s\n", PEM_LINE, (const char *)text.p + at);
	return buf_add_str(out, "-----END CERTIFICATE-----\n");
}

static int put_collateral(const struct simulator *s, const struct wanted *w, struct buf *out,
			  struct err *e)
{
	int64_t at = w->at < 0 ? (int64_t)time(NULL) : w->at;
	int rc = w->is_enclave ? simulator_enclave_collateral(s, at, out)
			       : simulator_collateral(s, at, out);

	if (rc == 0)
		rc = buf_add_str(out, "\n");
	return rc < 0 ? err_set(e, rc, "no memory") : 0;
}

static int read_td(const char *path, struct simulator_td *td, struct err *e)
{
	json_t *j = NULL;
	int rc;

	simulator_td_init(td);
	if (!path)
		return 0;
	rc = json_read_file(AT_FDCWD, path, TD_FILE_MAX, &j, e);
	if (rc == 0)
		rc = td_json_read(j, td, e);
	json_decref(j);
	return rc;
}

static int put_quote(const struct simulator *s, const struct wanted *w, struct buf *out,
		     struct err *e)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	auto_free char *hex = NULL;
	struct simulator_td td;
	int rc = read_td(w->td, &td, e);

	if (rc < 0)
		return rc;
	rc = simulator_quote(s, &td, &quote);
	if (rc < 0)
		return err_set(e, rc, "no memory");
	hex = xcalloc(2, quote.n + 1);
	str_hex(hex, quote.p, quote.n);
	return buf_addf(out, "%s\n", hex);
}

static int serve(const struct simulator *s, const struct wanted *w, struct buf *out, struct err *e)
{
	const struct serve_options o = { .world = s, .listen = w->listen, .at = w->at };

	(void)out; /* it says by itself where it listens */
	if (!w->listen)
		return err_set(e, ERR_INPUT, "where?  Give --listen 127.0.0.1:8081");
	return serve_run(&o, e);
}

static const struct {
	const char *name;
	int (*put)(const struct simulator *s, const struct wanted *w, struct buf *out,
		   struct err *e);
} commands[] = { { "root", put_root },
		 { "collateral", put_collateral },
		 { "quote", put_quote },
		 { "serve", serve } };

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static int run(const char *command, const struct wanted *w, struct err *e)
{
	auto_buf struct buf out = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	uint8_t seed[SIMULATOR_SEED_SIZE];
	struct simulator *s;
	size_t i;
	int rc;

	for (i = 0; i < N_COMMANDS && !str_equal(commands[i].name, command); i++)
		;
	if (i == N_COMMANDS)
		return err_set(e, ERR_INPUT, WHAT);
	rc = read_seed(w->seed, seed, e);
	if (rc < 0)
		return rc;
	s = simulator_new(seed);
	rc = commands[i].put(s, w, &out, e);
	simulator_free(s);
	if (rc < 0)
		return rc;
	if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
		return err_errno(e, errno, "cannot write to standard output");
	return 0;
}

/* Return: 0, 1 for an option that says all, ERR_INPUT. */
static int take(struct wanted *w, int opt, struct err *e)
{
	uint64_t n = 0;

	switch (opt) {
	case 's':
		w->seed = optarg;
		return 0;
	case OPT_AT:
		if (num_parse_u64(optarg, 0, TIME_MAX, &n) < 0)
			return err_set(e, ERR_INPUT, "--at '%s' is not seconds since 1970", optarg);
		w->at = (int64_t)n;
		return 0;
	case OPT_TD:
		w->td = optarg;
		return 0;
	case OPT_ENCLAVE:
		w->is_enclave = true;
		return 0;
	case OPT_LISTEN:
		w->listen = optarg;
		return 0;
	case 'h':
		(void)fputs(usage, stdout);
		return 1;
	case 'V':
		(void)puts("bailey-simulator " BAILEY_VERSION);
		return 1;
	default:
		return err_set(e, ERR_INPUT, "see bailey-simulator --help");
	}
}

int main(int argc, char **argv)
{
	struct wanted w = { .at = -1 };
	struct err e = ERR_NONE;
	int opt, rc = 0;

	while (rc == 0 && (opt = getopt_long(argc, argv, "s:hV", table, NULL)) != -1)
		rc = take(&w, opt, &e);
	if (rc == 0 && optind + 1 != argc)
		rc = err_set(&e, ERR_INPUT, WHAT);
	if (rc == 0)
		rc = run(argv[optind], &w, &e);
	if (rc < 0)
		(void)fprintf(stderr, "bailey-simulator: %s\n", e.text);
	return rc >= 0 ? EXIT_SUCCESS : rc == ERR_INPUT ? EXIT_USAGE : EXIT_FAILURE;
}
