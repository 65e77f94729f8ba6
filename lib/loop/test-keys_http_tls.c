/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_http_tls: a TLS client that stops in the middle of a record costs its connection, and nobody else anything */
#include "crypto/test_tls.h"
#include "test_http.h"

static void on_request(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", "here", 4, NULL);
}

static void test_part_of_a_record_holds_nothing_up(void)
{
	struct test_id id;
	struct test_http t = { .server = NULL };
	struct test_client part, none;
	struct http_server_options o = { .idle_s = 1, .on_request = on_request };
	unsigned int i, n_turns = 0;

	test_id_init(&id, &(struct test_id_args){ .name = "server", .for_server = true });
	o.tls_cert = (const char *)id.cert.p;
	o.tls_key = id.key_pem;
	test_server_start(&t, &o);
	part = test_connect(&t);
	none = test_connect(&t);
	TEST_SAY(&t, &part, "\x16\x03");
	TEST_UNTIL(&t, http_server_n_conns(t.server) == 2);
	for (i = 0; i < 100; i++) /* each turn comes back */
		test_turn(&t);
	TEST_UNTIL(&t, n_turns++ < UINT32_MAX && test_read(&part) && part.ended &&
			       test_read(&none) && none.ended);
	assert(n_turns < 20000); /* it waited, it did not spin */
	TEST_UNTIL(&t, http_server_n_conns(t.server) == 0);
	(void)close(part.fd);
	(void)close(none.fd);
	test_server_end(&t);
	test_id_deinit(&id);
}

int main(void)
{
	test_part_of_a_record_holds_nothing_up();
	return 0;
}
