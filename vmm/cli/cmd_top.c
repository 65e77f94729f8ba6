/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_top: the fleet as it works, again and again */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "cli/top.h"
#include "cli/vm.h"
#include "data/json.h"

enum { STEP_MS = 2000, FIRST_STEP_MS = 500, TEXT_MAX = 4 * 1024 * 1024, AROUND = 4 };

static const struct table_column columns[] = {
	{ "NAME", true },    { "ID", false },	    { "STATE", false },
	{ "CPU", false },    { "MEMORY", false },   { "DISK", false },
	{ "UPTIME", false }, { "RESTARTS", false }, { NULL, false },
};

struct view {
	struct cli *cli;
	enum top_key key;
	bool is_reversed;
	json_t *before, *now; /* the last two looks */
	char trouble[200];    /* why the last look failed; "" if it did not */
};

static int on_body(const void *p, size_t n, void *arg)
{
	return buf_add(arg, p, n);
}

static int look(const struct cli *c, json_t **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(API_REPLY_MAX);
	int rc = api_get(&c->api, "/stats", on_body, &b, e);

	if (rc == ERR_NOT_FOUND)
		return err_set(e, ERR_REFUSED,
			       "this baileyd has no /stats; it is older than bailey");
	return rc == 0 ? json_parse(b.p, b.n, API_REPLY_MAX, "/stats", ret, e) : rc;
}

static void add_row(struct table *t, const struct top_row *r)
{
	char used[16], size[16], when[96];
	enum colour colour;
	const char *state = vm_state(r->vm, &colour);

	table_cell(t, COLOUR_NONE, "%s", vm_name(r->vm));
	table_cell(t, COLOUR_NONE, "%.*s", VM_SHORT_ID, vm_id(r->vm));
	table_cell(t, colour, "%s", state);
	if (r->cpu_permille < 0)
		table_cell(t, COLOUR_NONE, "%s", r->is_up ? "..." : "");
	else
		table_cell(t, COLOUR_NONE, "%lld.%lld%%", (long long)(r->cpu_permille / 10),
			   (long long)(r->cpu_permille % 10));
	if (r->is_up)
		table_cell(t, COLOUR_NONE, "%s/%s", top_size(used, r->memory),
			   top_size(size, r->memory_size));
	else
		table_cell(t, COLOUR_NONE, "%s", "");
	table_cell(t, COLOUR_NONE, "%s/%s", top_size(used, r->disk), top_size(size, r->disk_size));
	table_cell(t, COLOUR_NONE, "%s",
		   r->is_up ? time_duration(when, sizeof(when), r->uptime_s) : "");
	table_cell(t, r->restarts ? COLOUR_BUSY : COLOUR_NONE, "%llu",
		   (unsigned long long)r->restarts);
}

static int add_table(const struct top *t, size_t most, const struct term *term, struct buf *b)
{
	struct table *table = table_new(columns);
	size_t i;
	int rc;

	for (i = 0; i < t->n && i < most; i++)
		add_row(table, &t->rows[i]);
	rc = table_print(table, term, b);
	(void)table_free(table);
	if (rc == 0 && i < t->n)
		rc = buf_addf(b, "... and %zu more\n", t->n - i);
	return rc;
}

static int add_head(const struct view *v, const struct top *t, struct buf *b)
{
	char used[16], shown[400];
	const json_t *host = json_object_get(v->now, "host");
	const char *name = vm_str(host, "name");

	if (!*name)
		name = v->cli->api.name ? v->cli->api.name : "this host";
	return buf_addf(b, "%s: %zu VMs, %zu of them running; CPU %lld%%, memory %s\n",
			str_escape(shown, sizeof(shown), name, strlen(name)), t->n, t->n_up,
			(long long)(t->cpu_permille / 10), top_size(used, t->memory));
}

/* The text of a screen of @height lines. */
static int compose(const struct view *v, unsigned int height, struct buf *b, struct err *e)
{
	struct term term = term_of(STDOUT_FILENO);
	auto_top struct top t = TOP_NULL;
	char shown[400];
	int rc = top_make(v->before, v->now, &t, e);

	if (rc < 0)
		return rc;
	top_sort(&t, v->key, v->is_reversed);
	rc = add_head(v, &t, b);
	if (rc == 0)
		rc = add_table(&t, height > AROUND + 1 ? height - AROUND : 1, &term, b);
	if (rc == 0 && *v->trouble)
		rc = buf_addf(b, "%s\n",
			      str_escape(shown, sizeof(shown), v->trouble, strlen(v->trouble)));
	if (rc == 0)
		rc = buf_addf(b, "q quit  sorted by %s%s: c m d n u r  R reverse",
			      top_key_name(v->key), v->is_reversed ? ", reversed" : "");
	return rc;
}

/* A look that fails leaves the last one there and says why: a daemon that is upgraded comes back. */
static void look_again(struct view *v)
{
	struct err e = ERR_NONE;
	json_t *now = NULL;

	if (look(v->cli, &now, &e) < 0) {
		(void)snprintf(v->trouble, sizeof(v->trouble), "%.190s", e.text);
		return;
	}
	v->trouble[0] = 0;
	json_decref(v->before);
	v->before = v->now;
	v->now = now;
}

/* Return: go on? */
static bool on_key(struct view *v, int key)
{
	enum top_key sort = key > 0 ? top_key_of_letter((char)key) : TOP_KEY_COUNT;

	if (key < 0 || key == 'q' || key == 'Q' || key == 4 /* ^D */)
		return false;
	if (key == 'R')
		v->is_reversed = !v->is_reversed;
	if (sort < TOP_KEY_COUNT)
		v->key = sort;
	return true;
}

static int live(struct view *v, struct err *e)
{
	uint64_t due = time_mono_ms() + FIRST_STEP_MS, now;
	int rc = screen_open(e), key = 0;

	while (rc == 0 && on_key(v, key)) {
		auto_buf struct buf b = BUF_MAX(TEXT_MAX);

		rc = compose(v, screen_height(), &b, e);
		if (rc == 0)
			rc = screen_draw((const char *)b.p, b.n);
		if (rc < 0)
			break;
		now = time_mono_ms();
		key = screen_key(due > now ? (unsigned int)(due - now) : 0);
		if (time_mono_ms() >= due || key == ' ') {
			look_again(v);
			due = time_mono_ms() + STEP_MS;
		}
	}
	screen_close();
	return rc;
}

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* Two looks, as a share of a CPU needs them, and one table. */
static int once(struct view *v, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(TEXT_MAX);
	auto_top struct top t = TOP_NULL;
	json_t *list;
	size_t i;
	int rc;

	pause_ms(FIRST_STEP_MS);
	v->before = v->now;
	v->now = NULL;
	rc = look(v->cli, &v->now, e);
	if (rc == 0)
		rc = top_make(v->before, v->now, &t, e);
	if (rc < 0)
		return rc;
	top_sort(&t, v->key, v->is_reversed);
	if (v->cli->wants_json) {
		list = json_array();
		for (i = 0; i < t.n; i++)
			(void)json_array_append_new(list, top_json(&t.rows[i]));
		cli_json(list);
		json_decref(list);
		return 0;
	}
	rc = add_table(&t, t.n, &v->cli->out, &b);
	if (rc == 0)
		(void)fwrite(b.p, 1, b.n, stdout);
	return rc;
}

int cmd_top(struct cli *c, struct err *e)
{
	const char *sort = c->args->options[OPT_SORT];
	struct view v = { .cli = c, .key = TOP_CPU };
	int rc;

	if (sort)
		v.key = top_key_of_name(sort);
	if (v.key == TOP_KEY_COUNT)
		return err_set(e, ERR_INPUT,
			       "--sort: \"%.40s\" is none of cpu, memory, disk, name, uptime, "
			       "restarts",
			       sort);
	rc = look(c, &v.now, e);
	if (rc == 0 && c->out.is_tty && isatty(STDIN_FILENO) && !c->wants_json &&
	    !args_has(c->args, OPT_ONCE))
		rc = live(&v, e);
	else if (rc == 0)
		rc = once(&v, e);
	json_decref(v.before);
	json_decref(v.now);
	return rc;
}
