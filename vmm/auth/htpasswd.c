/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/htpasswd.h"

#include <stdlib.h>
#include <string.h>

#include <crypt.h>

#include "auth/lines.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { COST_MIN = 4, COST_MAX = 14, PASSWORD_MAX = 72, SALT_AT = 7 };

static bool is_bcrypt(const char *s, size_t n)
{
	static const char digits[] =
		"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned int cost;
	size_t i;

	if (n != HTPASSWD_HASH_LEN || s[0] != '$' || s[1] != '2' ||
	    (s[2] != 'a' && s[2] != 'b' && s[2] != 'y') || s[3] != '$' || s[6] != '$')
		return false;
	if (s[4] < '0' || s[4] > '9' || s[5] < '0' || s[5] > '9')
		return false;
	cost = (unsigned int)(s[4] - '0') * 10 + (unsigned int)(s[5] - '0');
	for (i = SALT_AT; i < n; i++) {
		if (!memchr(digits, s[i], sizeof(digits) - 1))
			return false;
	}
	return cost >= COST_MIN && cost <= COST_MAX;
}

static const char *read_line(const char *line, size_t n, struct htpasswd *h)
{
	struct htpasswd_user *u = &h->users[h->n];
	const char *colon = memchr(line, ':', n);
	size_t n_user = colon ? (size_t)(colon - line) : 0;

	if (h->n == HTPASSWD_MAX)
		return "more than 256 users";
	if (!colon || !line_is_word(line, n_user) || n_user > HTPASSWD_USER_MAX)
		return "is not user:hash, with a user of at most 48 printable characters";
	if (!is_bcrypt(colon + 1, n - n_user - 1))
		return "the hash is not bcrypt of cost 4 to 14; write it with: htpasswd -B";
	memcpy(u->name, line, n_user);
	u->name[n_user] = 0;
	memcpy(u->hash, colon + 1, HTPASSWD_HASH_LEN);
	u->hash[HTPASSWD_HASH_LEN] = 0;
	if (htpasswd_find(h, u->name))
		return "the user is in the file already";
	h->n++;
	return NULL;
}

int htpasswd_parse(const char *text, size_t n, const char *file, struct htpasswd *ret,
		   struct err *e)
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
	if (ret->n == 0)
		return err_set(e, ERR_INPUT, "%s: has no user; add one with: htpasswd -B", file);
	return 0;
}

const struct htpasswd_user *htpasswd_find(const struct htpasswd *h, const char *user)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (str_equal(h->users[i].name, user))
			return &h->users[i];
	}
	return NULL;
}

bool htpasswd_verify(const char *hash, const char *password)
{
	struct crypt_data *d;
	unsigned int any = 0;
	const char *got;
	size_t i;

	if (strlen(password) > PASSWORD_MAX)
		return false;
	d = xnew(struct crypt_data);
	got = crypt_r(password, hash, d);
	if (got && strlen(got) == HTPASSWD_HASH_LEN) {
		for (i = 0; i < HTPASSWD_HASH_LEN; i++)
			any |= (unsigned int)(got[i] ^ hash[i]);
	} else {
		any = 1;
	}
	explicit_bzero(d, sizeof(*d));
	free(d);
	return any == 0;
}
