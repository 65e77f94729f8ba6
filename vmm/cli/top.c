/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/vm.h"
#include "data/json.h"

static const char *const key_names[TOP_KEY_COUNT] = { "cpu",  "memory", "disk",
						      "name", "uptime", "restarts" };

void top_deinit(struct top *t)
{
	free(t->rows);
	*t = TOP_NULL;
}

static const json_t *find(const json_t *look, const char *id)
{
	const json_t *vm;
	size_t i;

	json_array_foreach(json_object_get(look, "vms"), i, vm) {
		if (str_equal(vm_id(vm), id))
			return vm;
	}
	return NULL;
}

/* Time that its process used between the looks; a process that is another one has no before. */
static int64_t cpu_between(const json_t *before, const json_t *was, const json_t *now,
			   const json_t *is)
{
	uint64_t from = json_get_u64(before, "at", 0), to = json_get_u64(now, "at", 0);
	uint64_t had = json_get_u64(was, "cpu_ms", 0), has = json_get_u64(is, "cpu_ms", 0);

	if (!was || to <= from || has < had ||
	    json_get_u64(was, "pid", 0) != json_get_u64(is, "pid", 0))
		return -1;
	if (has - had > (uint64_t)INT32_MAX)
		return -1;
	return (int64_t)((has - had) * 1000 / (to - from));
}

static struct top_row row_of(const json_t *before, const json_t *now, const json_t *vm)
{
	uint64_t at = json_get_u64(now, "at", 0), since = json_get_u64(vm, "started_at", 0);
	struct top_row r = {
		.vm = vm,
		.is_up = json_get_u64(vm, "pid", 0) != 0,
		.cpu_permille = -1,
		.memory = json_get_u64(vm, "memory_used", 0),
		.memory_size = json_get_u64(vm, "memory_size", 0),
		.disk = json_get_u64(vm, "disk_used", 0),
		.disk_size = json_get_u64(vm, "disk_size", 0),
		.restarts = json_get_u64(vm, "restart_attempts", 0),
	};

	if (r.is_up && before)
		r.cpu_permille = cpu_between(before, find(before, vm_id(vm)), now, vm);
	if (r.is_up && since && at > since)
		r.uptime_s = (at - since) / 1000;
	return r;
}

int top_make(const json_t *before, const json_t *now, struct top *ret, struct err *e)
{
	const json_t *vms = json_object_get(now, "vms"), *vm;
	struct top t = TOP_NULL;
	size_t i;

	if (!json_is_array(vms))
		return err_set(e, ERR_PROTO,
			       "baileyd's reply to /stats is not what was expected; are bailey and "
			       "baileyd of one version?");
	t.rows = xcalloc(json_array_size(vms) + 1, sizeof(*t.rows));
	json_array_foreach(vms, i, vm) {
		struct top_row *r = &t.rows[t.n++];

		*r = row_of(before, now, vm);
		t.n_up += r->is_up;
		t.memory += r->memory;
		t.cpu_permille += r->cpu_permille > 0 ? r->cpu_permille : 0;
	}
	*ret = t;
	return 0;
}

struct order {
	enum top_key key;
	bool is_reversed;
};

static int larger_first(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct top_row *a = x, *b = y;
	const struct order *o = arg;
	int by_name = strcmp(vm_name(a->vm), vm_name(b->vm)), n = 0;

	switch (o->key) {
	case TOP_CPU:
		n = larger_first((uint64_t)(a->cpu_permille + 1), (uint64_t)(b->cpu_permille + 1));
		break;
	case TOP_MEMORY:
		n = larger_first(a->memory, b->memory);
		break;
	case TOP_DISK:
		n = larger_first(a->disk, b->disk);
		break;
	case TOP_UPTIME:
		n = larger_first(a->uptime_s, b->uptime_s);
		break;
	case TOP_RESTARTS:
		n = larger_first(a->restarts, b->restarts);
		break;
	case TOP_NAME:
	case TOP_KEY_COUNT:
	default:
		n = by_name;
		break;
	}
	if (n)
		return o->is_reversed ? -n : n;
	return by_name ? by_name : strcmp(vm_id(a->vm), vm_id(b->vm));
}

void top_sort(struct top *t, enum top_key key, bool is_reversed)
{
	struct order o = { key, is_reversed };

	if (t->n)
		qsort_r(t->rows, t->n, sizeof(*t->rows), compare, &o);
}

enum top_key top_key_of_letter(char letter)
{
	enum top_key k = 0;

	while (k < TOP_KEY_COUNT && key_names[k][0] != letter)
		k++;
	return k;
}

enum top_key top_key_of_name(const char *name)
{
	enum top_key k = 0;

	while (k < TOP_KEY_COUNT && !str_equal(key_names[k], name))
		k++;
	return k;
}

const char *top_key_name(enum top_key key)
{
	return key_names[key];
}

json_t *top_json(const struct top_row *r)
{
	enum colour unused;
	json_t *o = json_object();

	(void)json_object_set_new(o, "id", json_text(vm_id(r->vm)));
	(void)json_object_set_new(o, "name", json_text(vm_name(r->vm)));
	(void)json_object_set_new(o, "state", json_text(vm_state(r->vm, &unused)));
	(void)json_object_set_new(o, "cpu_percent",
				  r->cpu_permille < 0 ? json_null()
						      : json_real((double)r->cpu_permille / 10));
	(void)json_object_set_new(o, "memory_used", json_integer((json_int_t)r->memory));
	(void)json_object_set_new(o, "memory_size", json_integer((json_int_t)r->memory_size));
	(void)json_object_set_new(o, "disk_used", json_integer((json_int_t)r->disk));
	(void)json_object_set_new(o, "disk_size", json_integer((json_int_t)r->disk_size));
	(void)json_object_set_new(o, "uptime_s", json_integer((json_int_t)r->uptime_s));
	(void)json_object_set_new(o, "restarts", json_integer((json_int_t)r->restarts));
	return o;
}

const char *top_size(char dst[static 16], uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t whole = bytes, rest = 0;
	size_t unit = 0;

	while (whole >= 1000 && unit + 1 < sizeof(units) - 1) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	if (whole < 10 && unit && rest * 10 / 1024)
		(void)str_format(dst, 16, "%llu.%llu%c", (unsigned long long)whole,
				 (unsigned long long)(rest * 10 / 1024), units[unit]);
	else
		(void)str_format(dst, 16, "%llu%c", (unsigned long long)whole, units[unit]);
	return dst;
}
