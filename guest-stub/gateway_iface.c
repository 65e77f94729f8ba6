/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_iface.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x25519.h"

enum { KEY_TEXT = 44, KEY_ROOM = KEY_TEXT + 1, ADDRESS_ROOM = 24, ENDPOINT_ROOM = 64 };

/* ---- what may be ---- */

static int check_address(uint32_t address, const struct gateway_net *nets, size_t n_nets,
			 struct err *e)
{
	char text[ADDRESS_ROOM];
	size_t i;

	(void)gateway_answer_address(address, text, sizeof(text));
	if (!gateway_answer_is_private(address))
		return err_set(e, ERR_PROTO, "%s is not of a private network", text);
	for (i = 0; i < n_nets; i++) {
		if (((address ^ nets[i].address) & nets[i].mask) == 0) {
			return err_set(e, ERR_PROTO,
				       "%s is in a network that this guest has already: the "
				       "gateway's network must be another",
				       text);
		}
	}
	return 0;
}

int gateway_iface_check(const struct gateway_tunnel *t, const struct gateway_net *nets,
			size_t n_nets, struct err *e)
{
	size_t i, k;
	int r = check_address(t->client, nets, n_nets, e);

	if (r == 0 && (t->n == 0 || t->n > GATEWAY_SERVERS_MAX))
		r = err_set(e, ERR_PROTO, "%u servers", t->n);
	for (i = 0; r == 0 && i < t->n; i++) {
		const struct gateway_peer *p = &t->peers[i];

		r = check_address(p->address, nets, n_nets, e);
		if (r == 0 && (p->port == 0 || !gateway_answer_is_endpoint(p->ip, p->n_ip)))
			r = err_set(e, ERR_PROTO, "server %zu has no address to send to", i + 1);
		for (k = 0; r == 0 && k < i; k++) {
			if (p->address == t->peers[k].address ||
			    memcmp(p->key, t->peers[k].key, GATEWAY_KEY) == 0)
				r = err_set(e, ERR_PROTO, "two servers have one key or address");
		}
		if (r == 0 && p->address == t->client)
			r = err_set(e, ERR_PROTO, "server %zu has our own address", i + 1);
	}
	return r;
}

/* ---- words of command lines ---- */

static const char *key_text(const uint8_t key[static GATEWAY_KEY], char ret[static KEY_ROOM])
{
	auto_secret_buf struct buf b = BUF_MAX(0);

	if (secret_buf_init(&b, KEY_ROOM) < 0 || base64_encode(&b, key, GATEWAY_KEY) < 0 ||
	    str_copy(ret, KEY_ROOM, (const char *)b.p) != KEY_TEXT)
		abort(); /* 44 characters for 32 bytes, or out of memory */
	return ret;
}

static const char *host_text(uint32_t address, char ret[static ADDRESS_ROOM])
{
	char text[ADDRESS_ROOM];

	(void)str_format(ret, ADDRESS_ROOM, "%s/32",
			 gateway_answer_address(address, text, sizeof(text)));
	return ret;
}

static const char *endpoint_text(const struct gateway_peer *p, char ret[static ENDPOINT_ROOM])
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(p->n_ip == 4 ? AF_INET : AF_INET6, p->ip, text, sizeof(text));
	(void)str_format(ret, ENDPOINT_ROOM, p->n_ip == 4 ? "%s:%u" : "[%s]:%u", text, p->port);
	return ret;
}

static int run(const struct gateway_iface *f, const char *const *argv, struct err *e)
{
	auto_buf struct buf out = BUF_MAX(GATEWAY_DUMP_MAX);

	return f->ops.run(f->ops.arg, argv, NULL, 0, &out, e);
}

/* ---- what there is ---- */

static bool read_key(const char *s, size_t n, uint8_t ret[static GATEWAY_KEY])
{
	uint8_t room[KEY_TEXT / 4 * 3];
	bool is_key = n == KEY_TEXT && base64_decode(room, s, n) == GATEWAY_KEY;

	if (is_key)
		memcpy(ret, room, GATEWAY_KEY);
	secret_wipe(room, sizeof(room));
	return is_key;
}

/* Digits of @n characters; anything else is 0. */
static uint64_t number(const char *s, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n && i < 19 && s[i] >= '0' && s[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	return i == n ? v : 0;
}

/* "10.8.0.1/32", the only one that we give a peer. */
static uint32_t allowed(const char *s, size_t n)
{
	char room[ADDRESS_ROOM];
	struct in_addr a;

	if (n < 3 || memcmp(s + n - 3, "/32", 3) != 0 ||
	    str_format(room, sizeof(room), "%.*s", (int)n - 3, s) < 0 ||
	    inet_pton(AF_INET, room, &a) != 1)
		return 0;
	return ntohl(a.s_addr);
}

enum { COLUMNS = 8 };

struct column {
	const char *p;
	size_t n;
};

/* Return: how many columns the line has, of which COLUMNS are kept. */
static size_t split(const char *line, size_t n, struct column ret[static COLUMNS])
{
	size_t i = 0, from = 0, at;

	for (at = 0; at <= n; at++) {
		if (at < n && line[at] != '\t')
			continue;
		if (i < COLUMNS)
			ret[i] = (struct column){ line + from, at - from };
		i++;
		from = at + 1;
	}
	return i;
}

/* key, preshared key, endpoint, allowed IPs, handshake, received, sent, keepalive */
static int read_peer(const struct column *c, struct gateway_dump *ret, struct err *e)
{
	struct gateway_seen *p = &ret->peers[ret->n];

	if (ret->n == GATEWAY_SERVERS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d peers", GATEWAY_SERVERS_MAX);
	if (!read_key(c[0].p, c[0].n, p->key))
		return err_set(e, ERR_CORRUPT, "a peer without a key");
	p->address = allowed(c[3].p, c[3].n);
	p->handshake = number(c[4].p, c[4].n);
	p->received = number(c[5].p, c[5].n);
	p->sent = number(c[6].p, c[6].n);
	ret->n++;
	return 0;
}

int gateway_iface_read_dump(const char *text, size_t n, struct gateway_dump *ret, struct err *e)
{
	const char *end;
	struct column c[COLUMNS];
	bool is_first = true;
	size_t n_line, n_columns;
	int r = 0;

	*ret = (struct gateway_dump){ .n = 0 };
	for (; r == 0 && n > 0; is_first = false) {
		end = memchr(text, '\n', n);
		n_line = end ? (size_t)(end - text) : n;
		n_columns = split(text, n_line, c);
		if (n_columns != (is_first ? 4 : COLUMNS))
			r = err_set(e, ERR_CORRUPT, "%zu columns", n_columns);
		else if (is_first)
			ret->has_key = read_key(c[0].p, c[0].n, ret->key.b);
		else
			r = read_peer(c, ret, e);
		text += n_line + (end ? 1 : 0);
		n -= n_line + (end ? 1 : 0);
	}
	if (r == 0 && is_first)
		r = err_set(e, ERR_CORRUPT, "nothing");
	if (r < 0)
		secret_wipe(ret, sizeof(*ret));
	return r < 0 ? err_wrap(e, r, "wg show dump") : 0;
}

static int dump(const struct gateway_iface *f, struct gateway_dump *ret, struct err *e)
{
	static const char *const argv[] = { "wg", "show", GATEWAY_IFACE, "dump", NULL };
	auto_secret_buf struct buf out = BUF_MAX(0);
	int r = secret_buf_init(&out, GATEWAY_DUMP_MAX);

	if (r < 0)
		return err_set(e, r, "no memory");
	r = f->ops.run(f->ops.arg, argv, NULL, 0, &out, e);
	return r ? r : gateway_iface_read_dump((const char *)out.p, out.n, ret, e);
}

int gateway_iface_look(const struct gateway_iface *f, struct gateway_dump *ret, struct err *e)
{
	int r = dump(f, ret, e);

	if (r == 0)
		secret_wipe(&ret->key, sizeof(ret->key));
	return r;
}

/* ---- making it ---- */

static int give_key(struct gateway_iface *f, struct err *e)
{
	static const char *const argv[] = { "wg",   "set",	   GATEWAY_IFACE,     "listen-port",
					    "9182", "private-key", "/proc/self/fd/0", NULL };
	auto_buf struct buf out = BUF_MAX(GATEWAY_DUMP_MAX);
	char text[KEY_ROOM];
	int r;

	_Static_assert(GATEWAY_PORT == 9182, "as above");
	secret_random(f->key.b, sizeof(f->key.b));
	(void)key_text(f->key.b, text);
	r = f->ops.run(f->ops.arg, argv, text, KEY_TEXT, &out, e);
	secret_wipe(text, sizeof(text));
	return r;
}

static int make(const struct gateway_iface *f, struct err *e)
{
	static const char *const argv[] = { "ip",	   "link", "add",	"dev",
					    GATEWAY_IFACE, "type", "wireguard", NULL };

	if (run(f, argv, e) < 0)
		return err_wrap(e, ERR_MISSING, "this guest cannot make a WireGuard interface");
	return 0;
}

int gateway_iface_open(struct gateway_iface *f, const struct gateway_iface_ops *ops,
		       uint8_t ret_public[static GATEWAY_KEY], struct err *e)
{
	struct gateway_dump now = { .n = 0 };
	int r = 0;

	*f = (struct gateway_iface){ .ops = *ops };
	if (dump(f, &now, NULL) < 0)
		r = make(f, e);
	if (r == 0 && now.has_key)
		f->key = now.key;
	else if (r == 0)
		r = give_key(f, e);
	secret_wipe(&now.key, sizeof(now.key));
	return r ? r : x25519_public(&f->key, ret_public, e);
}

void gateway_iface_deinit(struct gateway_iface *f)
{
	secret_wipe(&f->key, sizeof(f->key));
}

/* ---- changing it ---- */

static int set_client(struct gateway_iface *f, uint32_t client, struct err *e)
{
	char text[ADDRESS_ROOM];
	const char *const flush[] = { "ip", "-4", "addr", "flush", "dev", GATEWAY_IFACE, NULL };
	const char *const add[] = { "ip", "addr", "add", text, "dev", GATEWAY_IFACE, NULL };
	const char *const up[] = { "ip", "link", "set", "dev", GATEWAY_IFACE, "up", NULL };
	int r;

	if (client == f->client)
		return 0;
	f->client = 0;
	f->n = 0; /* routes go with the address: each peer is set anew */
	(void)host_text(client, text);
	r = run(f, flush, e);
	if (r == 0)
		r = run(f, add, e);
	if (r == 0)
		r = run(f, up, e);
	if (r == 0)
		f->client = client;
	return r;
}

static int remove_peer(const struct gateway_iface *f, const uint8_t key[static GATEWAY_KEY],
		       struct err *e)
{
	char text[KEY_ROOM];
	const char *const argv[] = { "wg", "set", GATEWAY_IFACE, "peer", text, "remove", NULL };

	(void)key_text(key, text);
	return run(f, argv, e);
}

/* A route that is not there is as good. */
static void remove_route(const struct gateway_iface *f, uint32_t address)
{
	char text[ADDRESS_ROOM];
	const char *const argv[] = { "ip", "route", "del", text, "dev", GATEWAY_IFACE, NULL };

	if (!address)
		return;
	(void)host_text(address, text);
	(void)run(f, argv, NULL);
}

static int add_peer(const struct gateway_iface *f, const struct gateway_peer *p, struct err *e)
{
	char key[KEY_ROOM], address[ADDRESS_ROOM], endpoint[ENDPOINT_ROOM];
	const char *const argv[] = { "wg",	 "set",		"dstack-wg0",
				     "peer",	 key,		"persistent-keepalive",
				     "25",	 "allowed-ips", address,
				     "endpoint", endpoint,	NULL };

	(void)key_text(p->key, key);
	(void)host_text(p->address, address);
	(void)endpoint_text(p, endpoint);
	return run(f, argv, e);
}

static int add_route(const struct gateway_iface *f, uint32_t address, struct err *e)
{
	char text[ADDRESS_ROOM];
	const char *const argv[] = { "ip", "route", "replace", text, "dev", GATEWAY_IFACE, NULL };

	(void)host_text(address, text);
	return run(f, argv, e);
}

static size_t find(const struct gateway_peer *peers, size_t n, const uint8_t *key)
{
	size_t i;

	for (i = 0; i < n && memcmp(peers[i].key, key, GATEWAY_KEY) != 0; i++)
		continue;
	return i;
}

static void forget(struct gateway_iface *f, const uint8_t *key)
{
	size_t i = find(f->peers, f->n, key);

	if (i < f->n)
		f->peers[i] = f->peers[--f->n];
}

static bool is_same(const struct gateway_peer *a, const struct gateway_peer *b)
{
	return a->address == b->address && a->port == b->port && a->n_ip == b->n_ip &&
	       memcmp(a->ip, b->ip, a->n_ip) == 0;
}

/* Those that are there and are not wanted, also of a life before this. */
static int remove_others(struct gateway_iface *f, const struct gateway_tunnel *want,
			 const struct gateway_dump *now, struct err *e)
{
	size_t i = 0, k;
	int r = 0;

	while (i <
	       f->n) { /* what is kept has room in f->peers, whatever others did to the interface */
		if (find(want->peers, want->n, f->peers[i].key) == want->n)
			forget(f, f->peers[i].key);
		else
			i++;
	}
	for (i = 0; r == 0 && i < now->n; i++) {
		const struct gateway_seen *p = &now->peers[i];

		k = find(want->peers, want->n, p->key);
		if (k < want->n && want->peers[k].address == p->address)
			continue;
		forget(f, p->key);
		r = remove_peer(f, p->key, e);
		remove_route(f, p->address);
	}
	return r;
}

static int set_peer(struct gateway_iface *f, const struct gateway_peer *p,
		    const struct gateway_dump *now, struct err *e)
{
	size_t i = find(f->peers, f->n, p->key), k;
	int r;

	for (k = 0; k < now->n && memcmp(now->peers[k].key, p->key, GATEWAY_KEY) != 0; k++)
		continue;
	if (i < f->n && k < now->n && is_same(&f->peers[i], p))
		return 0;
	forget(f, p->key);
	r = add_peer(f, p, e);
	if (r == 0)
		r = add_route(f, p->address, e);
	if (r == 0)
		f->peers[f->n++] = *p;
	return r;
}

int gateway_iface_set(struct gateway_iface *f, const struct gateway_tunnel *want, struct err *e)
{
	struct gateway_net nets[GATEWAY_NETS_MAX];
	struct gateway_dump now;
	size_t i, n_nets = f->ops.nets(f->ops.arg, nets, GATEWAY_NETS_MAX);
	int r = gateway_iface_check(want, nets, n_nets, e);

	if (r == 0)
		r = gateway_iface_look(f, &now, e);
	if (r == 0)
		r = set_client(f, want->client, e);
	if (r == 0)
		r = remove_others(f, want, &now, e);
	for (i = 0; r == 0 && i < want->n; i++)
		r = set_peer(f, &want->peers[i], &now, e);
	return r;
}

int gateway_iface_renew(struct gateway_iface *f, const uint8_t key[static GATEWAY_KEY],
			struct err *e)
{
	size_t i = find(f->peers, f->n, key);
	int r;

	if (i == f->n)
		return err_set(e, ERR_NOT_FOUND, "there is no such peer");
	r = remove_peer(f, key, e);
	return r ? r : add_peer(f, &f->peers[i], e);
}
