/* SPDX-License-Identifier: Apache-2.0 */
/* test-gateway_iface: what is done to the interface, in words of ip(8) and wg(8), which are played here */
#undef NDEBUG
#include "guest-stub/gateway_iface.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x25519.h"

#define KEY1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define KEY3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="

/* An interface that is not there. */
struct stand_in {
	bool is_there;
	const char *fails;   /* commands that begin so */
	char key[64];	     /* "": none */
	char peers[16][256]; /* lines of a dump */
	size_t n;
	struct buf said; /* all commands that change something */
	struct gateway_net nets[2];
	size_t n_nets;
};

static size_t find(const struct stand_in *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->n && !str_starts(s->peers[i], key); i++)
		continue;
	return i;
}

static void set_peer(struct stand_in *s, const char *const *argv)
{
	size_t i = find(s, argv[4]);

	if (str_equal(argv[5], "remove")) {
		if (i < s->n && i != --s->n)
			memcpy(s->peers[i], s->peers[s->n], sizeof(s->peers[i]));
		return;
	}
	assert(str_equal(argv[7], "allowed-ips") && str_equal(argv[9], "endpoint"));
	assert(i < sizeof(s->peers) / sizeof(s->peers[0]));
	assert(str_format(s->peers[i], sizeof(s->peers[i]), "%s\t(none)\t%s\t%s\t0\t0\t0\t25",
			  argv[4], argv[10], argv[8]) > 0);
	s->n += i == s->n;
}

static int show(const struct stand_in *s, struct buf *ret, struct err *e)
{
	size_t i;

	if (!s->is_there)
		return err_set(e, ERR_BAD_STATE, "Unable to access interface: No such device");
	assert(buf_addf(ret, "%s\t(none)\t9182\toff\n", s->key[0] ? s->key : "(none)") == 0);
	for (i = 0; i < s->n; i++)
		assert(buf_addf(ret, "%s\n", s->peers[i]) == 0);
	return 0;
}

static int run(void *arg, const char *const *argv, const void *input, size_t n_input,
	       struct buf *ret_out, struct err *e)
{
	auto_buf struct buf line = BUF_MAX(4096);
	struct stand_in *s = arg;
	size_t i;

	for (i = 0; argv[i]; i++)
		assert(buf_addf(&line, "%s%s", i ? " " : "", argv[i]) == 0);
	if (s->fails && str_starts((char *)line.p, s->fails))
		return err_set(e, ERR_BAD_STATE, "no");
	if (str_equal((char *)line.p, "wg show dstack-wg0 dump"))
		return show(s, ret_out, e);
	assert(buf_addf(&s->said, "%s\n", (char *)line.p) == 0);
	if (str_starts((char *)line.p, "ip link add"))
		s->is_there = true;
	if (str_starts((char *)line.p, "wg set dstack-wg0 peer"))
		set_peer(s, argv);
	if (str_starts((char *)line.p, "wg set dstack-wg0 listen-port")) {
		assert(n_input == 44);
		memcpy(s->key, input, n_input);
	} else {
		assert(n_input == 0); /* no command line has the key, and no other input */
	}
	assert(!s->key[0] || !strstr((char *)s->said.p, s->key));
	return 0;
}

static size_t nets(void *arg, struct gateway_net *ret, size_t most)
{
	const struct stand_in *s = arg;

	assert(most >= s->n_nets);
	memcpy(ret, s->nets, sizeof(s->nets));
	return s->n_nets;
}

static struct gateway_iface_ops ops_of(struct stand_in *s)
{
	return (struct gateway_iface_ops){ .run = run, .nets = nets, .arg = s };
}

static struct stand_in nothing(void)
{
	return (struct stand_in){ .said = BUF_MAX(1 << 16) };
}

static void said(struct stand_in *s, const char *text)
{
	const char *is = s->said.p ? (const char *)s->said.p : "";

	if (!str_equal(is, text)) {
		(void)fprintf(stderr, "said:\n%s\nnot:\n%s\n", is, text);
		abort();
	}
	buf_deinit(&s->said);
	s->said = BUF_MAX(1 << 16);
}

/* Peer number @i: key of its number, 10.8.0.<i>, at 1.2.3.<i>:5182<i>. */
static struct gateway_peer peer(uint8_t i)
{
	struct gateway_peer p = { .address = 0x0a080000u + i,
				  .ip = { 1, 2, 3, i },
				  .n_ip = 4,
				  .port = (uint16_t)(51820 + i) };

	memset(p.key, i, sizeof(p.key));
	return p;
}

static struct gateway_tunnel tunnel(uint32_t n)
{
	struct gateway_tunnel t = { .client = 0x0a080102, .n = n };
	uint32_t i;

	for (i = 0; i < n; i++)
		t.peers[i] = peer((uint8_t)(i + 1));
	return t;
}

#define MADE                                                                                       \
	"ip link add dev dstack-wg0 type wireguard\n"                                              \
	"wg set dstack-wg0 listen-port 9182 private-key /proc/self/fd/0\n"
#define ADDRESSED                                                                                  \
	"ip -4 addr flush dev dstack-wg0\n"                                                        \
	"ip addr add 10.8.1.2/32 dev dstack-wg0\n"                                                 \
	"ip link set dev dstack-wg0 up\n"
#define PEER(key, n)                                                                               \
	"wg set dstack-wg0 peer " key " persistent-keepalive 25 allowed-ips 10.8.0." n             \
	"/32 endpoint 1.2.3." n ":5182" n "\n"
#define ROUTE(n) "ip route replace 10.8.0." n "/32 dev dstack-wg0\n"

static void test_it_is_made_once_and_then_left_alone(void)
{
	struct stand_in s = nothing();
	const struct gateway_iface_ops ops = ops_of(&s);
	uint8_t public[GATEWAY_KEY], again[GATEWAY_KEY], room[64];
	struct gateway_iface f;
	struct gateway_tunnel t = tunnel(2);
	struct secret32 private;

	assert(gateway_iface_open(&f, &ops, public, NULL) == 0);
	said(&s, MADE);
	assert(base64_decode(room, s.key, 44) == 32);
	memcpy(private.b, room, 32);
	assert(x25519_public(&private, again, NULL) == 0 && memcmp(public, again, 32) == 0);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, ADDRESSED PEER(KEY1, "1") ROUTE("1") PEER(KEY2, "2") ROUTE("2"));
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, "");
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
}

static void test_only_what_changed_is_changed(void)
{
	struct stand_in s = nothing();
	const struct gateway_iface_ops ops = ops_of(&s);
	uint8_t public[GATEWAY_KEY];
	struct gateway_iface f;
	struct gateway_tunnel t = tunnel(2);

	assert(gateway_iface_open(&f, &ops, public, NULL) == 0);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, MADE ADDRESSED PEER(KEY1, "1") ROUTE("1") PEER(KEY2, "2") ROUTE("2"));
	/* one goes, one comes, one stays */
	t.peers[1] = peer(3);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, "wg set dstack-wg0 peer " KEY2 " remove\n"
		 "ip route del 10.8.0.2/32 dev dstack-wg0\n" PEER(KEY3, "3") ROUTE("3"));
	/* an endpoint that moved */
	t.peers[0].ip[3] = 9;
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, "wg set dstack-wg0 peer " KEY1
		 " persistent-keepalive 25 allowed-ips 10.8.0.1/32 endpoint 1.2.3.9:51821\n" ROUTE(
			 "1"));
	/* by IPv6 */
	t.peers[0].n_ip = 16;
	memcpy(t.peers[0].ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, "wg set dstack-wg0 peer " KEY1
		 " persistent-keepalive 25 allowed-ips 10.8.0.1/32 endpoint "
		 "[2001:db8::7]:51821\n" ROUTE("1"));
	/* a peer whose address is another: its old route goes */
	t.peers[0].address = 0x0a080009;
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, "wg set dstack-wg0 peer " KEY1
		 " remove\nip route del 10.8.0.1/32 dev dstack-wg0\nwg set dstack-wg0 peer " KEY1
		 " persistent-keepalive 25 allowed-ips 10.8.0.9/32 endpoint [2001:db8::7]:51821\n"
		 "ip route replace 10.8.0.9/32 dev dstack-wg0\n");
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
}

static void test_who_is_started_again_takes_it_over(void)
{
	struct stand_in s = nothing();
	const struct gateway_iface_ops ops = ops_of(&s);
	uint8_t public[GATEWAY_KEY], again[GATEWAY_KEY];
	struct gateway_iface f;
	struct gateway_tunnel t = tunnel(2);

	assert(gateway_iface_open(&f, &ops, public, NULL) == 0);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
	s.said = BUF_MAX(1 << 16);
	assert(gateway_iface_open(&f, &ops, again, NULL) == 0);
	said(&s, "");
	assert(memcmp(public, again, sizeof(public)) == 0);
	t.n = 1;
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, ADDRESSED "wg set dstack-wg0 peer " KEY2 " remove\n"
			   "ip route del 10.8.0.2/32 dev dstack-wg0\n" PEER(KEY1, "1") ROUTE("1"));
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
}

static void test_a_failure_leaves_what_can_be_set_again(void)
{
	struct stand_in s = nothing();
	const struct gateway_iface_ops ops = ops_of(&s);
	uint8_t public[GATEWAY_KEY];
	struct gateway_iface f;
	struct gateway_tunnel t = tunnel(2);
	struct err e = ERR_NONE;

	s.fails = "ip link add";
	assert(gateway_iface_open(&f, &ops, public, &e) == ERR_MISSING);
	assert(strstr(e.text, "cannot make a WireGuard interface"));
	s.fails = NULL;
	assert(gateway_iface_open(&f, &ops, public, NULL) == 0);
	said(&s, MADE);
	s.fails = "wg set dstack-wg0 peer " KEY2;
	assert(gateway_iface_set(&f, &t, NULL) < 0);
	said(&s, ADDRESSED PEER(KEY1, "1") ROUTE("1"));
	s.fails = NULL;
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, PEER(KEY2, "2") ROUTE("2"));
	/* who lost a peer to somebody else gets it back */
	s.n--;
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, PEER(KEY2, "2") ROUTE("2"));
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
}

static void test_a_new_session(void)
{
	struct stand_in s = nothing();
	const struct gateway_iface_ops ops = ops_of(&s);
	struct gateway_tunnel t = tunnel(1);
	uint8_t public[GATEWAY_KEY];
	struct gateway_iface f;

	assert(gateway_iface_open(&f, &ops, public, NULL) == 0);
	assert(gateway_iface_set(&f, &t, NULL) == 0);
	said(&s, MADE ADDRESSED PEER(KEY1, "1") ROUTE("1"));
	assert(gateway_iface_renew(&f, t.peers[0].key, NULL) == 0);
	said(&s, "wg set dstack-wg0 peer " KEY1 " remove\n" PEER(KEY1, "1"));
	assert(gateway_iface_renew(&f, public, NULL) == ERR_NOT_FOUND);
	gateway_iface_deinit(&f);
	buf_deinit(&s.said);
}

/* Each is one change to a tunnel that may be. */
static void test_what_may_not_be(void)
{
	const struct gateway_net other = { 0x0a000205, 0xffffff00 }; /* 10.0.2.5/24 */
	struct gateway_tunnel t = tunnel(2);

	assert(gateway_iface_check(&t, &other, 1, NULL) == 0);
	t.client = 0x0a000203; /* the name server of QEMU */
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	assert(gateway_iface_check(&t, NULL, 0, NULL) == 0);
	t = tunnel(2);
	t.peers[1].address = 0x0a000202;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t.peers[1].address = 0x08080808;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t.peers[1].address = t.client;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t.peers[1].address = t.peers[0].address;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t = tunnel(2);
	memcpy(t.peers[1].key, t.peers[0].key, GATEWAY_KEY);
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t = tunnel(2);
	t.peers[1].n_ip = 5;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t = tunnel(2);
	t.peers[0].ip[0] = 127;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t = tunnel(2);
	t.peers[0].port = 0;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t = tunnel(0);
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
	t.n = GATEWAY_SERVERS_MAX + 1;
	assert(gateway_iface_check(&t, &other, 1, NULL) == ERR_PROTO);
}

static int reads(const char *text, struct gateway_dump *ret)
{
	return gateway_iface_read_dump(text, strlen(text), ret, NULL);
}

static void test_a_dump_is_read(void)
{
	struct gateway_dump d;

	assert(reads(KEY1 "\t" KEY2 "\t9182\toff\n" KEY3
			  "\t(none)\t1.2.3.4:51820\t10.8.0.1/32\t1700000000\t92\t180\t25\n" KEY2
			  "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n",
		     &d) == 0);
	assert(d.has_key && d.key.b[0] == 1 && d.n == 2);
	assert(d.peers[0].key[0] == 3 && d.peers[0].address == 0x0a080001);
	assert(d.peers[0].handshake == 1700000000 && d.peers[0].received == 92 &&
	       d.peers[0].sent == 180);
	assert(d.peers[1].address == 0 && d.peers[1].handshake == 0);
	assert(reads("(none)\t(none)\t0\toff\n", &d) == 0 && !d.has_key && d.n == 0);
}

static void test_what_is_no_dump(void)
{
	static const char *const rows[] = { "",
					    "\n",
					    "x\n",
					    KEY1 "\t" KEY2 "\t9182\n",
					    KEY1 "\t" KEY2 "\t9182\toff\nx\t\t\t\t\t\t\t\n",
					    KEY1 "\t" KEY2 "\t9182\toff\n" KEY3 "\n" };
	auto_buf struct buf b = BUF_MAX(1 << 16);
	struct gateway_dump d;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert(reads(rows[i], &d) == ERR_CORRUPT);
	assert(buf_add_str(&b, KEY1 "\t" KEY2 "\t9182\toff\n") == 0);
	for (i = 0; i <= GATEWAY_SERVERS_MAX; i++)
		assert(buf_add_str(&b, KEY3 "\t\t\t\t\t\t\t\n") == 0);
	assert(reads((char *)b.p, &d) == ERR_LIMIT);
}

int main(void)
{
	test_it_is_made_once_and_then_left_alone();
	test_only_what_changed_is_changed();
	test_who_is_started_again_takes_it_over();
	test_a_failure_leaves_what_can_be_set_again();
	test_a_new_session();
	test_what_may_not_be();
	test_a_dump_is_read();
	test_what_is_no_dump();
	return 0;
}
