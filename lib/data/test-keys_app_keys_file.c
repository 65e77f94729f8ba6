/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/app_keys_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX65 HEX32 HEX32 "01"
#define CERT  "-----BEGIN CERTIFICATE-----\\nQUJD\\n-----END CERTIFICATE-----\\n"
#define KEY   "-----BEGIN PRIVATE KEY-----\\nQUJD\\n-----END PRIVATE KEY-----\\n"
#define DISK  "\"disk_crypt_key\":\"" HEX32 "\""
#define ENV   "\"env_crypt_key\":\"" HEX32 "\""
#define K256  "\"k256_key\":\"" HEX32 "\",\"k256_signature\":\"" HEX65 "\""
#define KEYS  DISK "," ENV "," K256
#define REST  "\"gateway_app_id\":\"any\",\"ca_cert\":\"" CERT "\""
#define NONE  "\"key_provider\":{\"None\":{\"key\":\"" KEY "\"}}"
#define KMS                                                                                        \
	"\"key_provider\":{\"Kms\":{\"url\":\"https://kms:8000\",\"pubkey\":\"3059\","             \
	"\"tmp_ca_key\":\"" KEY "\",\"tmp_ca_cert\":\"" CERT "\"}}"

static void comes_back(const char *text)
{
	auto_app_keys_file struct app_keys_file f;
	auto_secret_str char *again = NULL;
	struct err e = ERR_NONE;

	if (app_keys_file_parse(text, strlen(text), &f, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	again = app_keys_file_text(&f);
	if (strcmp(again, text) != 0)
		(void)fprintf(stderr, "got      %s\nexpected %s\n", again, text);
	assert(strcmp(again, text) == 0);
}

static void test_each_provider_comes_back(void)
{
	comes_back("{" KEYS "," REST "," KMS "}");
	comes_back("{" KEYS "," REST "," KMS ",\"os_image_hash\":\"" HEX32 "\"}");
	comes_back("{" KEYS "," REST "," NONE "}");
	comes_back("{" DISK ",\"env_crypt_key\":\"\",\"k256_key\":\"" HEX32
		   "\",\"k256_signature\":\"\",\"gateway_app_id\":\"\",\"ca_cert\":\"" CERT
		   "\"," NONE "}");
	comes_back("{" KEYS "," REST ",\"key_provider\":{\"Local\":{\"key\":\"" KEY
		   "\",\"mr\":\"" HEX32 "\"}}}");
	comes_back("{" KEYS "," REST ",\"key_provider\":{\"Tpm\":{\"key\":\"" KEY
		   "\",\"pubkey\":\"00\"}}}");
}

static void test_what_is_read(void)
{
	static const char text[] = "{" KEYS "," REST "," KMS ",\"more\":[1]}";
	struct app_keys_file f;
	uint8_t i;

	assert(app_keys_file_parse(text, strlen(text), &f, NULL) == 0);
	for (i = 0; i < 32; i++)
		assert(f.disk.b[i] == i && f.env.b[i] == i && f.k256.b[i] == i);
	assert(f.has_env && f.has_signature && !f.has_os_image_hash && f.k256_signature[64] == 1);
	assert(f.provider == APP_KEY_PROVIDER_KMS && f.n_id == 2 && f.id[0] == 0x30);
	assert(str_equal(f.url, "https://kms:8000") && str_equal(f.gateway_app_id, "any"));
	assert(str_starts(f.tmp_ca_key, "-----BEGIN PRIVATE KEY-----\nQUJD\n") && !f.ca_key);
	app_keys_file_wipe(&f);
	assert(secret_is_zero(&f, sizeof(f)));
	app_keys_file_wipe(&f);
}

static void bad(const char *text, int code, const char *message)
{
	struct app_keys_file f;
	struct err e = ERR_NONE;
	int rc = app_keys_file_parse(text, strlen(text), &f, &e);

	if (rc != code || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", rc, e.text, code, message);
	assert(rc == code && strcmp(e.text, message) == 0);
}

static void test_wrong_documents(void)
{
	static char big[APP_KEYS_FILE_MAX + 2];

	bad("", ERR_INPUT, "app keys: expected a JSON object");
	bad("[]", ERR_INPUT, "app keys: expected a JSON object");
	bad("{" KEYS "," KEYS "}", ERR_INPUT, "app keys: expected a JSON object");
	bad("{\"disk_crypt_key\": secret}", ERR_INPUT, "app keys: expected a JSON object");
	bad("{}", ERR_INPUT, "app keys: disk_crypt_key: missing");
	memset(big, ' ', APP_KEYS_FILE_MAX + 1);
	bad(big, ERR_LIMIT, "app keys: too large, at most 131072 bytes");
}

static void test_wrong_keys(void)
{
	bad("{\"disk_crypt_key\":\"\"," ENV "," K256 "," REST "," NONE "}", ERR_INPUT,
	    "app keys: disk_crypt_key: expected 32 bytes in hex");
	bad("{\"disk_crypt_key\":\"0x" HEX32 "\"," ENV "," K256 "," REST "," NONE "}", ERR_INPUT,
	    "app keys: disk_crypt_key: expected 32 bytes in hex");
	bad("{\"disk_crypt_key\":\"" HEX32 "00\"," ENV "," K256 "," REST "," NONE "}", ERR_INPUT,
	    "app keys: disk_crypt_key: expected 32 bytes in hex");
	bad("{\"disk_crypt_key\":7," ENV "," K256 "," REST "," NONE "}", ERR_INPUT,
	    "app keys: disk_crypt_key: expected a string");
	bad("{" DISK ",\"env_crypt_key\":\"00\"," K256 "," REST "," NONE "}", ERR_INPUT,
	    "app keys: env_crypt_key: expected 32 bytes in hex");
	bad("{" DISK "," ENV ",\"k256_key\":\"" HEX32 "\",\"k256_signature\":\"" HEX32 "\"," REST
	    "," NONE "}",
	    ERR_INPUT, "app keys: k256_signature: expected 65 bytes in hex");
	bad("{" KEYS "," REST "," NONE ",\"os_image_hash\":\"zz\"}", ERR_INPUT,
	    "app keys: os_image_hash: expected 32 bytes in hex");
}

static void test_wrong_texts(void)
{
	static const char pem[] = "app keys: ca_cert: expected PEM, \"CERTIFICATE\"";
	static char text[2 * APP_KEYS_FILE_TEXT_MAX];
	static char filler[APP_KEYS_FILE_TEXT_MAX];

	bad("{" KEYS "," NONE "}", ERR_INPUT, "app keys: ca_cert: missing");
	bad("{" KEYS ",\"ca_cert\":\"\"," NONE "}", ERR_INPUT, pem);
	bad("{" KEYS ",\"ca_cert\":\"" KEY "\"," NONE "}", ERR_INPUT, pem);
	bad("{" KEYS ",\"ca_cert\":\"-----BEGIN CERTIFICATE-----\\n\\u001b\\n-----END "
	    "CERTIFICATE-----\\n\"," NONE "}",
	    ERR_INPUT, pem);
	bad("{" KEYS "," REST ",\"gateway_app_id\":\"\"," NONE "}", ERR_INPUT,
	    "app keys: expected a JSON object");
	bad("{" KEYS ",\"gateway_app_id\":\"a b\",\"ca_cert\":\"" CERT "\"," NONE "}", ERR_INPUT,
	    "app keys: gateway_app_id: expected at most 1024 characters of ASCII without spaces");
	memset(filler, 'a', sizeof(filler) - 1);
	assert(str_format(text, sizeof(text),
			  "{" KEYS ",\"ca_cert\":\"-----BEGIN CERTIFICATE-----\\n%s\\n-----END "
			  "CERTIFICATE-----\\n\"," NONE "}",
			  filler) > 0);
	bad(text, ERR_INPUT, "app keys: ca_cert: 32822 bytes, at most 32768");
}

static void test_wrong_providers(void)
{
	static const char which[] =
		"app keys: key_provider: expected one object: None, Kms, Local or Tpm";

	bad("{" KEYS "," REST "}", ERR_INPUT, which);
	bad("{" KEYS "," REST ",\"key_provider\":{}}", ERR_INPUT, which);
	bad("{" KEYS "," REST ",\"key_provider\":{\"Other\":{}}}", ERR_INPUT, which);
	bad("{" KEYS "," REST ",\"key_provider\":{\"None\":null}}", ERR_INPUT, which);
	bad("{" KEYS "," REST ",\"key_provider\":{\"None\":{},\"Kms\":{}}}", ERR_INPUT, which);
	bad("{" KEYS "," REST ",\"key_provider\":\"None\"}", ERR_INPUT,
	    "app keys: key_provider: expected an object");
	bad("{" KEYS "," REST ",\"key_provider\":{\"None\":{}}}", ERR_INPUT,
	    "app keys: key_provider: key: missing");
	bad("{" KEYS "," REST ",\"key_provider\":{\"Local\":{\"key\":\"" KEY "\"}}}", ERR_INPUT,
	    "app keys: key_provider: mr: missing");
	bad("{" KEYS "," REST ",\"key_provider\":{\"Kms\":{\"url\":\"http://x\",\"pubkey\":"
	    "\"00\"}}}",
	    ERR_INPUT, "app keys: key_provider: url: expected one that begins with https://");
	bad("{" KEYS "," REST ",\"key_provider\":{\"Kms\":{\"url\":\"https://x\",\"pubkey\":"
	    "\"\"}}}",
	    ERR_INPUT, "app keys: key_provider: pubkey: expected 1 to 256 bytes in hex");
}

static void test_a_file_is_read(void)
{
	static const char text[] = "{" KEYS "," REST "," NONE "}";
	char folder[] = "/tmp/bailey-test-keys-XXXXXX";
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	static char big[APP_KEYS_FILE_MAX + 1];
	int dirfd;

	assert(mkdtemp(folder));
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dirfd >= 0);
	assert(app_keys_file_read(dirfd, "keys", &f, NULL) == -ENOENT);
	assert(file_replace(dirfd, "keys", 0600, text, strlen(text), NULL) == 0);
	assert(app_keys_file_read(dirfd, "keys", &f, NULL) == 0 && f.has_env);
	assert(file_replace(dirfd, "keys", 0600, big, sizeof(big), NULL) == 0);
	assert(app_keys_file_read(dirfd, "keys", &f, NULL) == -EFBIG);
	assert(file_replace(dirfd, "keys", 0600, big, sizeof(big) - 1, NULL) == 0);
	assert(app_keys_file_read(dirfd, "keys", &f, NULL) == ERR_INPUT);
	assert(unlinkat(dirfd, "keys", 0) == 0 && rmdir(folder) == 0);
	(void)close(dirfd);
}

int main(void)
{
	json_wipe_on_free();
	test_each_provider_comes_back();
	test_what_is_read();
	test_wrong_documents();
	test_wrong_keys();
	test_wrong_texts();
	test_wrong_providers();
	test_a_file_is_read();
	return 0;
}
