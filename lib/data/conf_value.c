/* SPDX-License-Identifier: Apache-2.0 */
/* A wrong value is answered with a right one: each type knows how people usually miss it. */
#include "data/conf_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/conf.h"
#include "data/nearest.h"

enum { SHOWN_SIZE = 72 };

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "T", (uint64_t)1 << 40 }, { "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 },
};
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
enum { N_UNITS = 5 };

static const char *show(char *dst, const char *text)
{
	return str_escape(dst, SHOWN_SIZE, text, strlen(text));
}

/* With the largest unit that leaves no rest: "2G". */
static const char *with_unit(char *dst, size_t size, const struct unit *units, uint64_t v)
{
	size_t i = 0;

	while (v == 0 ? i + 1 < N_UNITS : v % units[i].factor != 0)
		i++;
	(void)str_format(dst, size, "%" PRIu64 "%s", v / units[i].factor, units[i].name);
	return dst;
}

static const char *plainly(enum conf_type type, char *dst, size_t size, uint64_t v)
{
	if (type == CONF_SIZE)
		return with_unit(dst, size, sizes, v);
	if (type == CONF_DURATION)
		return with_unit(dst, size, durations, v);
	(void)str_format(dst, size, "%" PRIu64, v);
	return dst;
}

static int out_of_range(const struct conf_key *k, const char *text, struct err *e)
{
	char shown[SHOWN_SIZE], min[32], max[32];

	(void)show(shown, text);
	(void)plainly(k->type, min, sizeof(min), k->min);
	if (k->max == 0)
		return err_set(e, ERR_INPUT, "%s is out of range; write at least %s", shown, min);
	(void)plainly(k->type, max, sizeof(max), k->max);
	return err_set(e, ERR_INPUT, "%s is out of range; write %s to %s", shown, min, max);
}

/* Digits, without a leading zero that another reader would take for octal. */
static int number(const char *text, size_t n, uint64_t *ret)
{
	char digits[24];

	if (n == 0 || (n > 1 && text[0] == '0'))
		return -EINVAL;
	if (n >= sizeof(digits))
		return strspn(text, "0123456789") >= n ? -ERANGE : -EINVAL;
	memcpy(digits, text, n);
	digits[n] = 0;
	return num_parse_u64(digits, 0, INT64_MAX, ret);
}

static int with_factor(const char *text, size_t n_digits, uint64_t factor, uint64_t *ret)
{
	int rc = number(text, n_digits, ret);

	if (rc == 0 && (!num_mul(*ret, factor, ret) || *ret > INT64_MAX))
		rc = -ERANGE;
	return rc;
}

static int read_size(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789"), i;

	for (i = 0; i < N_UNITS; i++) {
		if (strcasecmp(text + n, sizes[i].name) == 0)
			return with_factor(text, n, sizes[i].factor, ret);
	}
	return -EINVAL;
}

static int read_duration(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789"), i;

	if (text[0] == '0' && text[1] == 0) { /* needs no unit */
		*ret = 0;
		return 0;
	}
	for (i = 0; i < N_UNITS; i++) {
		if (str_equal(text + n, durations[i].name))
			return with_factor(text, n, durations[i].factor, ret);
	}
	return -EINVAL;
}

static int read_as(enum conf_type type, const char *text, uint64_t *ret)
{
	if (type == CONF_SIZE)
		return read_size(text, ret);
	if (type == CONF_DURATION)
		return read_duration(text, ret);
	return number(text, strlen(text), ret);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The unit that people mean by "GiB", "gb", "sec", "Minutes" or nothing. */
static void guess_unit(enum conf_type type, const char *typed, char unit[static 3])
{
	unit[0] = upper(typed[0]);
	unit[1] = 0;
	if (type == CONF_SIZE)
		return;
	unit[0] = typed[0] ? (char)(unit[0] | 0x20) : 's';
	if (strncasecmp(typed, "ms", 2) == 0 || strncasecmp(typed, "mil", 3) == 0)
		(void)str_copy(unit, 3, "ms");
}

/* "2GB", "2 GiB", "2gb", "10 sec", "5 Minutes": what would load and is meant. */
static bool guess(enum conf_type type, const char *text, char *dst, size_t size)
{
	size_t n = strspn(text, "0123456789");
	const char *typed = text + n + strspn(text + n, " ");
	char unit[3];
	uint64_t v;

	if (n == 0 || n > 12 || (type == CONF_SIZE && !*typed))
		return false;
	guess_unit(type, typed, unit);
	(void)str_format(dst, size, "%.*s%s", (int)n, text, unit);
	return read_as(type, dst, &v) == 0;
}

static int not_a_number(const struct conf_key *k, const char *text, struct err *e)
{
	static const char *const nouns[] = {
		[CONF_UINT] = "number", [CONF_SIZE] = "size", [CONF_DURATION] = "duration"
	};
	static const char *const right[] = { [CONF_UINT] = "decimal digits",
					     [CONF_SIZE] = "a size such as 512M or 2G",
					     [CONF_DURATION] = "500ms, 30s, 5m, 2h or 1d" };
	const char *rest = text + strspn(text, "0");
	char shown[SHOWN_SIZE], better[32];
	bool known = k->type != CONF_UINT && guess(k->type, text, better, sizeof(better));
	uint64_t v;

	/* a leading zero was all that was wrong */
	if (!known && rest[0] && read_as(k->type, rest, &v) == 0)
		known = str_copy(better, sizeof(better), rest) > 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not a %s; write %s", show(shown, text),
		       nouns[k->type], known ? better : right[k->type]);
}

static int read_number(const struct conf_key *k, const char *text, json_t **ret, struct err *e)
{
	uint64_t v = 0;
	int rc;

	rc = read_as(k->type, text, &v);
	if (rc == -EINVAL)
		return not_a_number(k, text, e);
	if (rc < 0 || v < k->min || (k->max && v > k->max))
		return out_of_range(k, text, e);
	*ret = json_integer((json_int_t)v);
	return 0;
}

static int read_bool(const char *text, json_t **ret, struct err *e)
{
	static const char *const yes[] = { "yes", "on", "1", "y", "true" };
	char shown[SHOWN_SIZE];
	bool is_yes = false;
	size_t i;

	if (str_equal(text, "true") || str_equal(text, "false")) {
		*ret = json_boolean(str_equal(text, "true"));
		return 0;
	}
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		is_yes = is_yes || strcasecmp(text, yes[i]) == 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not true or false; write %s", show(shown, text),
		       is_yes ? "true" : "false");
}

bool conf_is_one_line(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

static int read_text(const struct conf_key *k, const char *text, json_t **ret, struct err *e)
{
	size_t n = strlen(text);
	char shown[SHOWN_SIZE];

	if (k->type != CONF_TEXT && k->type != CONF_STRING_MAP && !conf_is_one_line(text)) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is not one line of text; remove the line break or "
			       "control character",
			       show(shown, text));
	}
	if (n == 0 && k->min > 0)
		return err_set(e, ERR_INPUT, "is empty; write at least %" PRIu64 " bytes", k->min);
	if (n < k->min) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is too short; write at least %" PRIu64 " bytes",
			       show(shown, text), k->min);
	}
	if (k->max && n > k->max) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is too long: %zu bytes; write at most %" PRIu64,
			       show(shown, text), n, k->max);
	}
	*ret = json_string(text);
	return 0;
}

static int read_enum(const struct conf_key *k, const char *text, json_t **ret, struct err *e)
{
	struct nearest near = { .word = text };
	char shown[SHOWN_SIZE], all[256];
	size_t used = 0, i;

	for (i = 0; k->values[i]; i++) {
		if (str_equal(text, k->values[i])) {
			*ret = json_string(text);
			return 0;
		}
		nearest_offer(&near, k->values[i]);
		if (used + strlen(k->values[i]) + 3 < sizeof(all))
			used += (size_t)str_format(all + used, sizeof(all) - used, "%s%s",
						   used ? ", " : "", k->values[i]);
	}
	if (near.best)
		return err_set(e, ERR_INPUT, "\"%s\" is not one of %s; did you mean \"%s\"?",
			       show(shown, text), all, near.best);
	return err_set(e, ERR_INPUT, "\"%s\" is not one of %s", show(shown, text), all);
}

int conf_value_of(const struct conf_key *k, const char *text, json_t **ret, struct err *e)
{
	json_t *j = NULL;
	int rc = ERR_INPUT;

	switch (k->type) {
	case CONF_BOOL:
		rc = read_bool(text, &j, e);
		break;
	case CONF_UINT:
	case CONF_SIZE:
	case CONF_DURATION:
		rc = read_number(k, text, &j, e);
		break;
	case CONF_ENUM:
		rc = read_enum(k, text, &j, e);
		break;
	case CONF_STRING:
	case CONF_STRINGS:
	case CONF_TEXT:
	case CONF_STRING_MAP:
		rc = read_text(k, text, &j, e);
		break;
	case CONF_MAP:
	case CONF_MAPS:
	case CONF_TYPE_COUNT:
		assert(0);
	}
	if (rc == 0 && k->check)
		rc = k->check(text, e);
	if (rc < 0)
		json_decref(j);
	else
		*ret = j;
	return rc;
}
