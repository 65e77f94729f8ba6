/* SPDX-License-Identifier: Apache-2.0 */
/* tls: who is let in and who is not, and what is told to who is not; both ends in one thread, over a socket pair */
#undef NDEBUG
#include "crypto/tls.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "crypto/test_tls.h"

static struct test_ids ids;

struct pair {
	int fd[2]; /* server, client */
	struct tls_ctx *ctx[2];
	struct tls *tls[2];
	struct err e[2];
	int rc[2];
};

static void pair_init(struct pair *p, const struct tls_ctx_options *server,
		      const struct tls_ctx_options *client, const char *name)
{
	*p = (struct pair){ .rc = { TLS_WANT_READ, TLS_WANT_READ } };
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fd) == 0);
	assert(tls_ctx_new(server, &p->ctx[0], NULL) == 0);
	assert(tls_ctx_new(client, &p->ctx[1], NULL) == 0);
	p->tls[0] = tls_new(p->ctx[0], p->fd[0], NULL);
	p->tls[1] = tls_new(p->ctx[1], p->fd[1], name);
	assert(p->tls[0] && p->tls[1]);
}

static void pair_deinit(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		tls_free(p->tls[i]);
		tls_ctx_unref(p->ctx[i]);
		p->fd[i] = fd_close(p->fd[i]);
	}
}

static bool waits(int rc)
{
	return rc == TLS_WANT_READ || rc == TLS_WANT_WRITE;
}

/* Both ends in turn until neither waits, or both do for nothing. */
static void shake(struct pair *p)
{
	int i, turn;

	for (turn = 0; turn < 20 && (waits(p->rc[0]) || waits(p->rc[1])); turn++) {
		for (i = 0; i < 2; i++) {
			if (waits(p->rc[i]))
				p->rc[i] = tls_handshake(p->tls[i], &p->e[i]);
			if (p->rc[i] < 0 && !waits(p->rc[i]))
				(void)shutdown(p->fd[i], SHUT_WR); /* as who hangs up */
		}
	}
}

static struct tls_ctx_options server_of(const struct test_id *id, const char *client_ca)
{
	return (struct tls_ctx_options){ .is_server = true,
					 .chain = test_chain(id),
					 .key = id->key_pem,
					 .trust = client_ca ? TLS_TRUST_CA : TLS_TRUST_NOBODY,
					 .ca = client_ca };
}

static struct tls_ctx_options client_of(const struct test_id *id, const char *ca)
{
	return (struct tls_ctx_options){ .chain = id ? test_chain(id) : NULL,
					 .key = id ? id->key_pem : NULL,
					 .trust = TLS_TRUST_CA,
					 .ca = ca };
}

/* Return: what the client's handshake said; *@ret_server what the server's did. */
static int meet(const struct tls_ctx_options *server, const struct tls_ctx_options *client,
		const char *name, int *ret_server, struct err *e)
{
	struct pair p;
	int rc;

	pair_init(&p, server, client, name);
	shake(&p);
	rc = p.rc[1];
	if (ret_server)
		*ret_server = p.rc[0];
	*e = rc < 0 || !ret_server ? p.e[1] : p.e[0];
	pair_deinit(&p);
	return rc;
}

static void expect(const struct tls_ctx_options *server, const struct tls_ctx_options *client,
		   const char *name, const char *word)
{
	struct err e = ERR_NONE;
	int rc = meet(server, client, name, NULL, &e);

	if (word && !strstr(e.text, word))
		printf("wanted '%s', got '%s'\n", word, e.text);
	assert(word ? rc < 0 && strstr(e.text, word) : rc == 0);
}

static void test_a_server_is_held_to_its_name(void)
{
	struct tls_ctx_options s = server_of(&ids.server, NULL);
	struct tls_ctx_options c = client_of(NULL, test_cert(&ids.root));

	expect(&s, &c, "localhost", NULL);
	expect(&s, &c, "KMS.test", NULL);
	expect(&s, &c, "127.0.0.1", NULL);
	expect(&s, &c, "127.0.0.2", "the server's certificate is not for 127.0.0.2");
	expect(&s, &c, "other.test", "the server's certificate is not for other.test");
	expect(&s, &c, "server", "is not for server"); /* its common name */
}

static void test_a_server_is_held_to_who_signed_it(void)
{
	struct tls_ctx_options s = server_of(&ids.server, NULL);
	struct tls_ctx_options old = server_of(&ids.expired, NULL);
	struct tls_ctx_options wrong = server_of(&ids.client, NULL);
	struct tls_ctx_options c = client_of(NULL, test_cert(&ids.root));
	struct tls_ctx_options other = client_of(NULL, test_cert(&ids.other_root));

	expect(&s, &other, "localhost", "certificate");
	expect(&old, &c, "localhost", "has expired");
	expect(&wrong, &c, "localhost", "is not for localhost");
	c.trust = TLS_TRUST_ANYBODY;
	expect(&old, &c, "localhost", NULL);
}

static void test_a_root_can_be_pinned_by_its_key(void)
{
	struct tls_ctx_options s = server_of(&ids.server, NULL);
	struct tls_ctx_options old = server_of(&ids.expired, NULL);
	struct tls_ctx_options bare = s;
	struct tls_ctx_options c = { .trust = TLS_TRUST_ROOT_KEY };
	struct buf liar = BUF_MAX(1 << 20);
	uint8_t root[P256_SPKI], other[P256_SPKI], leaf[P256_SPKI];

	p256_key_spki(&ids.root.key, root);
	p256_key_spki(&ids.other_root.key, other);
	p256_key_spki(&ids.server.key, leaf);
	c.root_key = root;
	c.n_root_key = sizeof(root);
	expect(&s, &c, "localhost", NULL);
	expect(&s, &c, "other.test", "is not for other.test");
	expect(&old, &c, "localhost", "has expired");
	bare.chain = test_cert(&ids.server);
	expect(&bare, &c, "localhost", "pinned");
	c.root_key = other;
	expect(&s, &c, "localhost", "pinned");
	/* a server that sends the certificate of another root along, which everybody can have */
	assert(buf_add(&liar, ids.server.cert.p, ids.server.cert.n) == 0 &&
	       buf_add(&liar, ids.other_root.cert.p, ids.other_root.cert.n) == 0);
	bare.chain = (const char *)liar.p;
	expect(&bare, &c, "localhost", "the server's certificate");
	c.root_key = leaf; /* a leaf's key is nobody's root */
	expect(&s, &c, "localhost", "pinned");
	buf_deinit(&liar);
}

/* A certificate with the pinned key that the key did not sign is worth nothing without what it signed. */
static void test_a_forged_root_of_the_pinned_key(void)
{
	struct test_id forged;
	struct tls_ctx_options s = server_of(&ids.other_client, NULL);
	struct tls_ctx_options c = { .trust = TLS_TRUST_ROOT_KEY };
	struct cert_write_args w = { .common_name = { "root", 4 },
				     .is_ca = true,
				     .path_length = 5,
				     .issuer_cert = test_cert(&ids.other_root),
				     .issuer_key = &ids.other_root.key,
				     .not_after = (int64_t)time(NULL) + 3600 };
	uint8_t root[P256_SPKI];
	struct buf chain = BUF_MAX(1 << 20);

	test_id_init(&forged, &(struct test_id_args){
				      .name = "x", .issuer = &ids.other_root, .for_server = true });
	p256_key_spki(&ids.root.key, root);
	w.key = root;
	w.n_key = sizeof(root);
	assert(buf_add(&chain, forged.cert.p, forged.cert.n) == 0);
	assert(cert_write(&w, &chain, NULL) == 0);
	s.chain = (const char *)chain.p;
	s.key = forged.key_pem;
	c.root_key = root;
	c.n_root_key = sizeof(root);
	expect(&s, &c, "localhost", "the server's certificate");
	buf_deinit(&chain);
	test_id_deinit(&forged);
}

static void test_clients_may_have_no_certificate_but_no_false_one(void)
{
	struct tls_ctx_options s = server_of(&ids.server, test_cert(&ids.root));
	const struct {
		const struct test_id *id;
		const char *word; /* what the server says; NULL: it lets it in */
	} clients[] = {
		{ NULL, NULL },
		{ &ids.client, NULL }, /* says not for what it is */
		{ &ids.other_client, "the client's certificate" },
		{ &ids.expired, "has expired" },
		{ &ids.server_only, "is not meant for this use" },
	};
	struct tls_ctx_options c;
	struct buf cert = BUF_MAX(TLS_CERTS_MAX);
	struct pair p;
	size_t i;

	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		c = client_of(clients[i].id, test_cert(&ids.root));
		pair_init(&p, &s, &c, "localhost");
		shake(&p);
		assert(clients[i].word ? p.rc[0] < 0 && strstr(p.e[0].text, clients[i].word)
				       : p.rc[0] == 0);
		if (!clients[i].word) {
			buf_drop(&cert, cert.n);
			assert(tls_peer_cert(p.tls[0], &cert) == 0);
			assert((cert.n > 0) == (clients[i].id != NULL));
			assert(str_equal(tls_server_name(p.tls[0]), "localhost"));
		}
		pair_deinit(&p);
	}
	buf_deinit(&cert);
}

static ssize_t read_once(struct tls *t, char *ret, size_t n)
{
	ssize_t r = TLS_WANT_READ;
	int i;

	for (i = 0; i < 5; i++) {
		r = tls_read(t, ret, n, NULL);
		if (!waits((int)r))
			break;
	}
	return r;
}

static void test_both_ends_of_a_stream(void)
{
	struct tls_ctx_options s = server_of(&ids.server, NULL);
	struct tls_ctx_options c = client_of(NULL, test_cert(&ids.root));
	char text[16] = "";
	struct pair p;

	pair_init(&p, &s, &c, "localhost");
	shake(&p);
	assert(p.rc[0] == 0 && p.rc[1] == 0);
	assert(tls_read(p.tls[0], text, sizeof(text), NULL) == TLS_WANT_READ);
	assert(tls_write(p.tls[1], "hello", 5, NULL) == 5);
	assert(read_once(p.tls[0], text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
	/* the client has said all, and is still answered */
	assert(tls_end(p.tls[1], NULL) == 0 && tls_end(p.tls[1], NULL) == 0);
	assert(read_once(p.tls[0], text, sizeof(text)) == 0 && tls_is_ended(p.tls[0]));
	assert(tls_write(p.tls[0], "bye", 3, NULL) == 3);
	assert(read_once(p.tls[1], text, sizeof(text)) == 3 && memcmp(text, "bye", 3) == 0);
	/* the server is cut off, which is not the same as an end */
	(void)shutdown(p.fd[0], SHUT_WR);
	assert(read_once(p.tls[1], text, sizeof(text)) == 0 && !tls_is_ended(p.tls[1]));
	pair_deinit(&p);
}

static void test_who_hangs_up_in_the_handshake(void)
{
	struct tls_ctx_options s = server_of(&ids.server, NULL);
	struct tls_ctx_options c = client_of(NULL, test_cert(&ids.root));
	struct pair p;

	pair_init(&p, &s, &c, "localhost");
	assert(tls_handshake(p.tls[1], NULL) == TLS_WANT_READ);
	(void)shutdown(p.fd[0], SHUT_RDWR);
	assert(tls_handshake(p.tls[1], &p.e[1]) < 0 && strstr(p.e[1].text, "hung up"));
	pair_deinit(&p);
	pair_init(&p, &s, &c, "localhost");
	assert(write(p.fd[1], "GET / HTTP/1.1\r\n\r\n", 18) == 18);
	assert(tls_handshake(p.tls[0], &p.e[0]) < 0 && strstr(p.e[0].text, "http request"));
	pair_deinit(&p);
}

/* A client of OpenSSL's own, to do what ours cannot.  Return: did the server let it in? */
static bool meet_raw(SSL *ssl, struct pair *p)
{
	int i;

	SSL_set_fd(ssl, p->fd[1]);
	SSL_set_connect_state(ssl);
	for (i = 0; i < 20 && waits(p->rc[0]); i++) {
		(void)SSL_do_handshake(ssl);
		p->rc[0] = tls_handshake(p->tls[0], &p->e[0]);
	}
	(void)SSL_do_handshake(ssl);
	ERR_clear_error();
	return p->rc[0] == 0;
}

static void with_raw(int version, void (*act)(SSL *ssl, struct pair *p))
{
	struct tls_ctx_options s = server_of(&ids.server, test_cert(&ids.root));
	struct tls_ctx_options c = client_of(NULL, test_cert(&ids.root));
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct pair p;
	SSL *ssl;

	assert(ctx && SSL_CTX_set_min_proto_version(ctx, version) &&
	       SSL_CTX_set_max_proto_version(ctx, version));
	SSL_CTX_set_security_level(ctx, 0);
	ssl = SSL_new(ctx);
	assert(ssl);
	pair_init(&p, &s, &c, "localhost");
	act(ssl, &p);
	pair_deinit(&p);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

static void refuses_to_begin(SSL *ssl, struct pair *p)
{
	assert(!meet_raw(ssl, p));
}

static void does_not_renegotiate(SSL *ssl, struct pair *p)
{
	char c;

	assert(meet_raw(ssl, p));
	assert(SSL_renegotiate(ssl) == 1);
	(void)SSL_do_handshake(ssl);
	assert(waits((int)read_once(p->tls[0], &c, 1))); /* it says no, and goes on */
	ERR_clear_error();
	assert(SSL_do_handshake(ssl) < 0 &&
	       ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NO_RENEGOTIATION);
}

static void gives_no_session(SSL *ssl, struct pair *p)
{
	SSL_SESSION *session;

	assert(meet_raw(ssl, p));
	session = SSL_get1_session(ssl);
	assert(session && !SSL_SESSION_has_ticket(session));
	if (SSL_version(ssl) == TLS1_2_VERSION) {
		unsigned int n;

		(void)SSL_SESSION_get_id(session, &n);
		assert(n == 0);
	}
	SSL_SESSION_free(session);
}

static void test_what_of_tls_is_not_spoken(void)
{
	with_raw(TLS1_VERSION, refuses_to_begin);
	with_raw(TLS1_1_VERSION, refuses_to_begin);
	with_raw(TLS1_2_VERSION, does_not_renegotiate);
	with_raw(TLS1_2_VERSION, gives_no_session);
	with_raw(TLS1_3_VERSION, gives_no_session);
}

/* More certificates than anybody has: the handshake ends before they are all read. */
static void test_a_chain_without_end(void)
{
	struct tls_ctx_options s = server_of(&ids.server, test_cert(&ids.root));
	struct tls_ctx_options c = client_of(&ids.client, test_cert(&ids.root));
	static char large[TLS_CERTS_MAX / 4];
	struct cert_extension x[] = { { "1.3.6.1.4.1.62397.1.8", large, sizeof(large) } };
	struct buf chain = BUF_MAX(4 << 20);
	struct test_id fat;
	struct pair p;
	int i;

	test_id_init(&fat, &(struct test_id_args){ .name = "fat",
						   .issuer = &ids.root,
						   .extensions = x,
						   .n_extensions = 1 });
	for (i = 0; i < 5; i++)
		assert(buf_add(&chain, fat.cert.p, fat.cert.n) == 0);
	c.chain = test_cert(&fat);
	c.key = fat.key_pem;
	pair_init(&p, &s, &c, "localhost");
	shake(&p);
	assert(p.rc[0] == 0); /* one is well */
	pair_deinit(&p);
	c.chain = (const char *)chain.p;
	pair_init(&p, &s, &c, "localhost");
	shake(&p);
	assert(p.rc[0] < 0 && !waits(p.rc[0]));
	pair_deinit(&p);
	test_id_deinit(&fat);
	buf_deinit(&chain);
}

static void refuse(const struct tls_ctx_options *o, const char *word)
{
	struct err e = ERR_NONE;
	struct tls_ctx *c;

	assert(tls_ctx_new(o, &c, &e) < 0);
	if (!strstr(e.text, word))
		printf("wanted '%s', got '%s'\n", word, e.text);
	assert(strstr(e.text, word));
}

static void test_what_cannot_be_used(void)
{
	static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
				     "-----END ENCRYPTED PRIVATE KEY-----\n";
	struct tls_ctx_options o = server_of(&ids.server, NULL);

	o.key = ids.client.key_pem;
	refuse(&o, "not that of the certificate");
	o.key = locked;
	refuse(&o, "without a password");
	o.key = NULL;
	refuse(&o, "without a password");
	o = server_of(&ids.server, "no certificate");
	refuse(&o, "who is to be believed");
	o = server_of(&ids.server, NULL);
	o.chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	refuse(&o, "certificate chain");
	o.chain = NULL;
	refuse(&o, "a server needs a certificate");
	o = (struct tls_ctx_options){ .trust = TLS_TRUST_ROOT_KEY,
				      .root_key = "x",
				      .n_root_key = 1 };
	refuse(&o, "pinned key");
	o = (struct tls_ctx_options){ .trust = TLS_TRUST_NOBODY };
	refuse(&o, "no such trust");
}

int main(void)
{
	test_ids_init(&ids);
	test_a_server_is_held_to_its_name();
	test_a_server_is_held_to_who_signed_it();
	test_a_root_can_be_pinned_by_its_key();
	test_a_forged_root_of_the_pinned_key();
	test_clients_may_have_no_certificate_but_no_false_one();
	test_both_ends_of_a_stream();
	test_who_hangs_up_in_the_handshake();
	test_what_of_tls_is_not_spoken();
	test_a_chain_without_end();
	test_what_cannot_be_used();
	test_ids_deinit(&ids);
	return 0;
}
