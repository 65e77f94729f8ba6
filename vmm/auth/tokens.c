/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/tokens.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "auth/lines.h"
#include "base/err.h"
#include "base/str.h"

struct word {
	const char *p;
	size_t n;
};

static const char hashed[] = "sha256:";

/* The three words of a line; more or fewer are wrong. */
static bool split(const char *line, size_t n, struct word ret[static 3])
{
	const char *end = line + n;
	size_t i;

	for (i = 0; i < 3; i++) {
		while (line < end && (*line == ' ' || *line == '\t'))
			line++;
		ret[i].p = line;
		while (line < end && *line != ' ' && *line != '\t')
			line++;
		ret[i].n = (size_t)(line - ret[i].p);
		if (!line_is_word(ret[i].p, ret[i].n))
			return false;
	}
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	return line == end;
}

static enum role role_of(const struct word *w)
{
	if (w->n == 4 && memcmp(w->p, "read", 4) == 0)
		return ROLE_READ;
	return w->n == 7 && memcmp(w->p, "operate", 7) == 0 ? ROLE_OPERATE : ROLE_NONE;
}

/* Return: what is wrong with the secret, or NULL. */
static const char *read_secret(const struct word *w, struct digest256 *ret)
{
	size_t n_hashed = strlen(hashed);
	char hex[2 * sizeof(ret->b) + 1] = "";
	int rc = -1;

	if (w->n >= n_hashed && memcmp(w->p, hashed, n_hashed) == 0) {
		if (w->n == n_hashed + 2 * sizeof(ret->b)) {
			memcpy(hex, w->p + n_hashed, 2 * sizeof(ret->b));
			rc = str_unhex(ret->b, sizeof(ret->b), hex);
		}
		return rc ? "sha256: is not followed by 64 hex digits" : NULL;
	}
	if (w->n < TOKEN_MIN || w->n > TOKEN_MAX)
		return "a token has 16 to 512 characters; make one with: openssl rand -hex 32";
	*ret = digest256_bytes(w->p, w->n);
	return NULL;
}

static const char *read_line(const char *line, size_t n, struct tokens *t)
{
	struct token *x = &t->items[t->n];
	struct word words[3];
	const char *wrong;
	size_t i;

	if (t->n == TOKENS_MAX)
		return "more than 256 tokens";
	if (!split(line, n, words))
		return "is not: role name token";
	x->role = role_of(&words[0]);
	if (x->role == ROLE_NONE)
		return "the role is neither read nor operate";
	if (words[1].n > TOKEN_NAME_MAX)
		return "the name is longer than 48 characters";
	memcpy(x->name, words[1].p, words[1].n);
	x->name[words[1].n] = 0;
	wrong = read_secret(&words[2], &x->digest);
	for (i = 0; !wrong && i < t->n; i++) {
		if (memcmp(x->digest.b, t->items[i].digest.b, sizeof(x->digest.b)) == 0)
			wrong = "the token is in the file already";
	}
	t->n += !wrong;
	return wrong;
}

int tokens_parse(const char *text, size_t n, const char *file, struct tokens *ret, struct err *e)
{
	struct line_reader r = { text, text + n, 0 };
	const char *line, *wrong;
	size_t n_line;

	ret->n = 0;
	while (line_next(&r, &line, &n_line)) {
		wrong = read_line(line, n_line, ret);
		if (wrong)
			return err_set(e, ERR_INPUT, "%s:%u: %s", file, r.number, wrong);
	}
	return 0;
}

/* 0 if all bytes are equal, in a time that does not depend on which are. */
static unsigned int differ(const struct digest256 *a, const struct digest256 *b)
{
	unsigned int any = 0;
	size_t i;

	for (i = 0; i < sizeof(a->b); i++)
		any |= (unsigned int)(a->b[i] ^ b->b[i]);
	return any;
}

const struct token *tokens_find(const struct tokens *t, const char *secret)
{
	struct digest256 digest = digest256_bytes(secret, strlen(secret));
	const struct token *found = NULL;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (differ(&digest, &t->items[i].digest) == 0)
			found = &t->items[i];
	}
	return found;
}
