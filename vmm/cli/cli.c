/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/exit.h"
#include "cli/table.h"
#include "cli/tunnel.h"
#include "cli/vm.h"
#include "data/json.h"

enum { TEXT_MAX = 16 * 1024 * 1024, TIMEOUT_MAX_S = 7 * 24 * 3600, LINES_MAX = 10 * 1000 * 1000 };

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->is_quiet || c->wants_json)
		return;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)fflush(stdout); /* a failed write is seen once, at the end */
}

void cli_json(const json_t *j)
{
	auto_free char *text = json_compact(j);

	(void)puts(text);
	(void)fflush(stdout);
}

void cli_table(const struct cli *c, struct table *t)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);

	if (table_print(t, &c->out, &text) == 0)
		(void)fwrite(text.p, 1, text.n, stdout);
	(void)table_free(t);
}

/*
 * Operands are any bytes, and a daemon's message may hold its caller's: neither steers the terminal, nor
 * keeps a program from its JSON.
 */
static void make_printable(struct err *e)
{
	char shown[sizeof(e->text)];
	size_t n = strlen(e->text), i;
	bool is_fit = str_is_utf8(e->text, n);

	for (i = 0; is_fit && i < n; i++) {
		is_fit = (uint8_t)e->text[i] >= ' ' && e->text[i] != 0x7f &&
			 !((uint8_t)e->text[i] == 0xc2 && (uint8_t)e->text[i + 1] < 0xa0);
	}
	if (is_fit)
		return;
	str_escape(shown, sizeof(shown), e->text, n);
	memcpy(e->text, shown, sizeof(shown));
}

void cli_complain(const struct cli *c, struct err *e, int code)
{
	json_t *j;

	if (!*e->text)
		return; /* it was told already */
	make_printable(e);
	if (!c->wants_json) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "bailey: %s\n", e->text);
		e->text[0] = 0;
		return;
	}
	j = json_pack("{s:s, s:i}", "error", e->text, "exit", (int)cli_exit_of(code));
	if (j) {
		auto_free char *text = json_compact(j);

		(void)fprintf(stderr, "%s\n", text);
	}
	json_decref(j);
	e->text[0] = 0;
}

int cli_vm(const struct cli *c, size_t i, json_t **ret, struct err *e)
{
	const json_t *found = NULL;
	char id[VM_ID_SIZE] = "";
	json_t *vms = NULL;
	int rc = api_vms(&c->api, 1, &vms, e);

	if (rc == 0)
		rc = vm_find(vms, c->args->operands[i], &found, e);
	if (rc == 0 && str_copy(id, sizeof(id), vm_id(found)) < 0)
		rc = err_set(e, ERR_PROTO, "the id of %s is too long", vm_name(found));
	json_decref(vms);
	return rc == 0 ? api_vm(&c->api, id, 0, ret, e) : rc;
}

int cli_each_vm(struct cli *c, cli_vm_fn fn, struct err *e)
{
	int rc, failed = 0;
	json_t *vm;
	size_t i;

	for (i = 0; i < c->args->n; i++) {
		vm = NULL;
		rc = cli_vm(c, i, &vm, e);
		if (rc == 0)
			rc = fn(c, vm, e);
		json_decref(vm);
		if (rc < 0)
			cli_complain(c, e, rc);
		if (rc < 0 && !failed)
			failed = rc;
		if (rc == ERR_UNREACHABLE)
			break; /* the others will not fare better */
	}
	return failed;
}

int cli_each(struct cli *c, cli_text_fn fn, struct err *e)
{
	int rc, failed = 0;
	size_t i;

	for (i = 0; i < c->args->n; i++) {
		rc = fn(c, c->args->operands[i], e);
		if (rc < 0)
			cli_complain(c, e, rc);
		if (rc < 0 && !failed)
			failed = rc;
	}
	return failed;
}

int cli_images(struct cli *c, const char *method, const struct table_column *columns,
	       void (*row)(struct table *t, const json_t *image), const char *none, struct err *e)
{
	json_t *reply = NULL, *images, *image;
	struct table *t;
	size_t i;
	int rc = api_call(&c->api, method, NULL, &reply, e);

	if (rc < 0)
		return rc;
	images = json_object_get(reply, "images");
	if (c->wants_json) {
		cli_json(images);
	} else if (json_array_size(images) == 0) {
		cli_say(c, "%s\n", none);
	} else {
		t = table_new(columns);
		json_array_foreach(images, i, image)
			row(t, image);
		cli_table(c, t);
	}
	json_decref(reply);
	return 0;
}

int cli_timeout(const struct cli *c, uint64_t otherwise, uint64_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_TIMEOUT];
	size_t n = text ? strlen(text) : 0;
	uint64_t unit = 1, value;
	char digits[32];

	*ret = otherwise;
	if (!text)
		return 0;
	if (n && text[n - 1] == 'm')
		unit = 60;
	else if (n && text[n - 1] == 'h')
		unit = 3600;
	if (n && strchr("smh", text[n - 1]))
		n--;
	if (str_format(digits, sizeof(digits), "%.*s", (int)(n < 30 ? n : 30), text) < 0 ||
	    num_parse_u64(digits, 1, TIMEOUT_MAX_S / unit, &value) < 0)
		return err_set(e, ERR_INPUT,
			       "--timeout: \"%.40s\" is not a time; write 90s, 10m or 1h", text);
	*ret = value * unit * 1000;
	return 0;
}

int cli_lines(const struct cli *c, uint32_t otherwise, uint32_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_LINES];

	*ret = otherwise;
	if (text && num_parse_u32(text, 0, LINES_MAX, ret) < 0) {
		return err_set(e, ERR_INPUT,
			       "--lines: \"%.40s\" is not a number of lines; write 100", text);
	}
	return 0;
}

static int print_help(const struct command *c)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	int rc = args_help(cli_commands, c, &text);

	if (rc == 0)
		(void)fwrite(text.p, 1, text.n, stdout);
	return rc;
}

static void set_up(struct cli *c, const struct args *a)
{
	c->args = a;
	c->out = term_of(STDOUT_FILENO);
	c->wants_json = args_has(a, OPT_JSON);
	c->is_quiet = args_has(a, OPT_QUIET);
}

static int run(struct cli *c, struct err *e)
{
	const struct args *a = c->args;
	int rc;

	if (args_has(a, OPT_HELP))
		return print_help(a->command);
	if (args_has(a, OPT_VERSION)) {
		(void)puts("bailey " BAILEY_VERSION);
		return 0;
	}
	if (!a->command)
		return err_set(e, ERR_INPUT, "no command; bailey --help lists them");
	rc = cli_connect(c, e);
	if (rc == 0)
		rc = a->command->run(c, e);
	tunnel_close();
	token_wipe(&c->token);
	return rc;
}

int cli_main(char *const *argv)
{
	struct err e = ERR_NONE;
	struct args a = { .command = NULL };
	struct cli c = { .args = &a };
	int rc = args_read(cli_commands, argv, &a, &e);

	log_init(LOG_LEVEL_WARN);
	set_up(&c, &a);
	if (rc == 0)
		rc = run(&c, &e);
	if (fflush(stdout) != 0 && rc == 0)
		rc = err_set(&e, -EIO, "what was to be printed could not be written");
	if (rc < 0)
		cli_complain(&c, &e, rc);
	return (int)cli_exit_of(rc);
}
