/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/status.h"
#include "daemon/vm.h"
#include "data/json.h"

enum { LIFE_DIGITS = 16 };

static uint64_t life_of(struct feed *f)
{
	while (f->life == 0) {
		if (getrandom(&f->life, sizeof(f->life), 0) != (ssize_t)sizeof(f->life))
			abort(); /* eight bytes cannot fail once the pool is up */
	}
	return f->life;
}

static void forget_oldest(struct feed *f)
{
	char **line = &f->lines[f->first];

	f->bytes -= strlen(*line);
	free(*line);
	*line = NULL;
	f->first = (f->first + 1) % FEED_LINES;
	f->n--;
}

/* Take @event over: add what the fleet's form has more, keep it as a line. */
static void keep(struct feed *f, const struct vm *vm, const char *status, json_t *event)
{
	char cursor[FEED_CURSOR_MAX + 1];
	char *line;

	feed_cursor(f, ++f->last, cursor);
	(void)json_object_set_new(event, "cursor", json_string(cursor));
	(void)json_object_set_new(event, "id", json_string(vm->manifest.id));
	(void)json_object_set_new(event, "name", json_string(vm->manifest.name));
	(void)json_object_set_new(event, "status", json_string(status));
	line = json_compact(event);
	json_decref(event);
	f->bytes += strlen(line);
	if (!f->lines)
		f->lines = xcalloc(FEED_LINES, sizeof(*f->lines));
	if (f->n == FEED_LINES)
		forget_oldest(f);
	f->lines[(f->first + f->n++) % FEED_LINES] = line;
	while (f->bytes > FEED_BYTES)
		forget_oldest(f);
}

void feed_add(struct feed *f, const struct vm *vm, const struct event *ev)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s}", "seq", (json_int_t)ev->seq, "timestamp",
			      (json_int_t)ev->at_ms, "generation", (json_int_t)ev->generation,
			      "event", ev->name, "body", ev->body);

	keep(f, vm, vm_status_text(vm_status_of(vm)), j);
}

void feed_add_removed(struct feed *f, const struct vm *vm)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s}", "seq", (json_int_t)0, "timestamp",
			      (json_int_t)time_unix_ms(), "generation",
			      (json_int_t)vm->state.generation, "event", "vmm.removed", "body", "");

	keep(f, vm, "", j);
}

void feed_deinit(struct feed *f)
{
	while (f->n)
		forget_oldest(f);
	free(f->lines);
	f->lines = NULL;
}

uint64_t feed_oldest(const struct feed *f)
{
	return f->last - f->n;
}

const char *feed_next(const struct feed *f, uint64_t *seen)
{
	uint64_t oldest = feed_oldest(f);

	if (*seen < oldest)
		*seen = oldest;
	if (*seen >= f->last)
		return NULL;
	return f->lines[(f->first + (*seen)++ - oldest) % FEED_LINES];
}

void feed_cursor(struct feed *f, uint64_t seen, char *ret)
{
	(void)str_format(ret, FEED_CURSOR_MAX + 1, "%016llx-%llu", (unsigned long long)life_of(f),
			 (unsigned long long)seen);
}

bool feed_find(const struct feed *f, const char *cursor, uint64_t *ret_seen)
{
	char life[LIFE_DIGITS + 1];
	uint64_t seen;

	(void)str_format(life, sizeof(life), "%016llx", (unsigned long long)f->life);
	if (!f->life || strncmp(cursor, life, LIFE_DIGITS) != 0 || cursor[LIFE_DIGITS] != '-' ||
	    num_parse_u64(cursor + LIFE_DIGITS + 1, 0, INT64_MAX, &seen))
		return false;
	if (seen < feed_oldest(f) || seen > f->last)
		return false;
	*ret_seen = seen;
	return true;
}
