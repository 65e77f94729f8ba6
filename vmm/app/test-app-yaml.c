/* SPDX-License-Identifier: Apache-2.0 */
/* Test app_yaml and compose: golden documents, and each kind of bad input with its message. */
#undef NDEBUG
#include "app/app_yaml.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/faults.h"

#define GOLDEN SOURCE_DIR "/vmm/app/golden/"

static void golden(const char *name, const char *hash)
{
	auto_app struct app a = APP_NULL;
	auto_buf struct buf want = BUF_MAX(0);
	struct err e = ERR_NONE;
	char yaml[512], json[512];
	size_t n;

	assert(str_format(yaml, sizeof(yaml), GOLDEN "%s.yaml", name) > 0);
	assert(str_format(json, sizeof(json), GOLDEN "%s.json", name) > 0);
	if (app_load(yaml, &a, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(e.code == 0);
	assert(file_read(AT_FDCWD, json, 65536, &want, NULL) == 0);
	n = strlen(a.compose);
	/* the file ends with a newline, the compose does not */
	assert(want.n == n + 1 && want.p[n] == '\n');
	if (memcmp(want.p, a.compose, n) != 0)
		(void)fprintf(stderr, "%s", a.compose);
	assert(memcmp(want.p, a.compose, n) == 0);
	assert(str_equal(a.hash, hash));
}

/* The text of a hash must never change for a document that somebody has deployed. */
static void test_golden(void)
{
	golden("hello", "01f915e729a2c12dbf787bebd649d6218a2c582b26398219ccce72d320862c4b");
	golden("all", "9fdda1acdee3aefb3384bde4f6fe2cc784c9a7f6dfc88990731fde95d4c312cd");
	golden("ready-port", "3bf20873ff3c904b5ad88cdfb59e888c88348fda0be16fbdbe83c2088f6a111d");
	golden("unpinned", "694dc9cde886de131f9ba0f9692e45ae3a9c7c4bb026183438253a2dce314e07");
}

static void test_ready_compose_is_passed_on_byte_for_byte(void)
{
	auto_app struct app a = APP_NULL;
	auto_buf struct buf want = BUF_MAX(0);

	assert(app_load(GOLDEN "ready.yaml", &a, NULL) == 0);
	assert(file_read(AT_FDCWD, GOLDEN "ready-compose.json", 65536, &want, NULL) == 0);
	assert(str_equal(a.compose, (char *)want.p));
	assert(str_equal(a.hash,
			 "5c820ca23da29e128b19b482b6990eeaae4dbd45bb830ee9f8efbf57e35d43d0"));
}

static void test_defaults(void)
{
	static const char text[] = "name: x\n";
	auto_app struct app a = APP_NULL;

	assert(app_parse(text, strlen(text), "x.yaml", ".", &a, NULL) == 0);
	assert(str_equal(app_str(&a, "tee"), "tdx"));
	assert(str_equal(app_str(&a, "image"), ""));
	assert(json_integer_value(app_get(&a, "resources.cpus")) == 1);
	assert(json_integer_value(app_get(&a, "resources.memory")) == 1024LL << 20);
	assert(json_integer_value(app_get(&a, "resources.disk")) == 20LL << 30);
	assert(app_get(&a, "resources.nothing") == NULL && app_get(&a, "nothing.at.all") == NULL);
	assert(str_equal(a.user_config, ""));
}

static void test_user_config_is_kept_apart(void)
{
	static const char text[] = "name: x\nuser_config: |\n  for the app\n";
	auto_app struct app a = APP_NULL;

	assert(app_parse(text, strlen(text), "x.yaml", ".", &a, NULL) == 0);
	assert(str_equal(a.user_config, "for the app\n"));
	assert(!strstr(a.compose, "for the app"));
}

struct bad {
	const char *text;
	const char *want; /* the message begins so */
	const char *also; /* and holds this; NULL: nothing */
};

static const struct bad bads[] = {
	/* what the table says */
	{ "name: x\nresources:\n  memory: 2GB\n", "app.yaml:3: resources.memory: ", "2G" },
	{ "name: x\nresources:\n  memory: 1M\n", "app.yaml:3: resources.memory: ", NULL },
	{ "name: x\nresources:\n  cpus: 0\n", "app.yaml:3: resources.cpus: ", NULL },
	{ "name: x\nresources:\n  cpus: two\n", "app.yaml:3: resources.cpus: ", NULL },
	{ "name: x\nresources:\n  cpus: 4294967296\n", "app.yaml:3: resources.cpus: ", NULL },
	{ "name: x\nresources: 7\n", "app.yaml:2: resources: ", NULL },
	{ "name: x\nresources: { gpus: [ \"18:00\" ] }\n", "app.yaml:2: resources.gpus",
	  "18:00.0" },
	{ "name: x\nresources: { gpus: [ \"18:00.0/../x\" ] }\n", "app.yaml:2: resources.gpus",
	  NULL },
	{ "name: x\nresources: { gpus: [ all, \"18:00.0\" ] }\n", "app.yaml:2: resources.gpus",
	  "alone" },
	{ "name: x\nresources:\n  memroy: 1G\n", "app.yaml:3: resources.memroy: ", "memory" },
	{ "name: x\nresources:\n  cpus: 1\n  cpus: 2\n", "app.yaml:4: ", "cpus" },
	{ "name: x\ntee: sgx\n", "app.yaml:2: tee: ", "tdx" },
	{ "name: x\npublic:\n  logs: yes please\n", "app.yaml:3: public.logs: ", NULL },
	{ "name: [ x ]\n", "app.yaml:1: name: ", NULL },
	{ "tee: none\n", "app.yaml", "name" },
	{ "", "app.yaml", "name" },
	{ "- name\n", "app.yaml:1: ", NULL },
	{ "name: &a x\nimage: *a\n", "app.yaml:", NULL },
	{ "name: !!str x\n", "app.yaml:1: ", NULL },
	{ "name: x\n---\nname: y\n", "app.yaml:", NULL },
	{ "name: x\n\tbad\n", "app.yaml:", NULL },
	{ "name: \"\xff\"\n", "app.yaml", NULL },
	{ "name: x\nports:\n  - host: \"80\"\n", "app.yaml:3: ports[0]", "guest" },
	{ "name: x\nports:\n  - { host: \"80\", guest: 65536 }\n",
	  "app.yaml:3: ports[0].guest: ", NULL },
	/* a gateway */
	{ "name: x\ngateway_service: { url: \"https://10.0.2.2:1\" }\n",
	  "app.yaml:2: gateway_service.domain: is missing", "bailey.localhost" },
	{ "name: x\ngateway_service: { domain: a.b }\n",
	  "app.yaml:2: gateway_service.url: is missing", NULL },
	{ "name: x\ngateway_service: { domain: A.b, url: \"https://g\" }\n",
	  "app.yaml:2: gateway_service.domain: \"A.b\" is not a domain", "lower case" },
	{ "name: x\ngateway_service: { domain: a.b, url: \"http://g\" }\n",
	  "app.yaml:2: gateway_service.url: \"http://g\" is not a URL of a gateway", NULL },
	{ "name: x\ngateway_service: { domain: a.b, url: \"https://g\", admin: x }\n",
	  "app.yaml:2: gateway_service.admin: ", NULL },
	{ "name: x\ngateway_service: { domain: a.b, port: 0, url: \"https://g\" }\n",
	  "app.yaml:2: gateway_service.port: ", NULL },
	{ "name: x\ngateway: true\ngateway_service: { domain: a.b, url: \"https://g\" }\n",
	  "app.yaml:2: gateway: ", "gateway itself" },
	{ "name: x\nready_port: 80\n", "app.yaml:2: ready_port: there is no gateway", NULL },
	{ "name: x\ngateway: true\nready_port: 0\n", "app.yaml:3: ready_port: ", NULL },
	{ "name: x\nport_policy: { restrict_mode: true }\n",
	  "app.yaml:2: port_policy: ", "gateway: true" },
	{ "name: x\ngateway: true\nport_policy:\n  ports: [ { port: 1 }, { port: 1, pp: true } ]\n",
	  "app.yaml:4: port_policy.ports[1].port: is there twice", NULL },
	{ "name: x\ngateway: true\nport_policy: { ports: [ { pp: true } ] }\n",
	  "app.yaml:3: port_policy.ports[0].port: is missing", NULL },
	{ "name: x\ngateway: true\nport_policy: { ports: [ { port: 65536 } ] }\n",
	  "app.yaml:3: port_policy.ports[0].port: ", NULL },
	/* what one value's check says */
	{ "name: a/b\n", "app.yaml:1: name: \"a/b\" is not a name; write letters, digits, - _ .",
	  NULL },
	{ "name: x\nimage: ../x\n",
	  "app.yaml:2: image: \"../x\" is not an image; write a name that bailey image ls shows",
	  NULL },
	{ "name: x\nresources: { memory: 1048577K }\n",
	  "app.yaml:2: resources.memory: \"1048577K\" is not a whole number of MiB; write 1025M",
	  NULL },
	{ "name: x\nresources: { disk: 1500M }\n",
	  "app.yaml:2: resources.disk: \"1500M\" is not a whole number of GiB; write 2G", NULL },
	{ "name: x\nports:\n  - { host: localhost, guest: 80 }\n",
	  "app.yaml:3: ports[0].host: \"localhost\" is not an address and a port; write "
	  "127.0.0.1:18080",
	  NULL },
	{ "name: x\nports:\n  - { host: \"127.0.0.1:0\", guest: 80 }\n",
	  "app.yaml:3: ports[0].host: ", NULL },
	{ "name: x\nenv: [ OK, 9X ]\n", "app.yaml:2: env[1]: \"9X\" is not the name of a variable",
	  NULL },
	{ "name: x\nkms_urls: [ ftp://x ]\n", "app.yaml:2: kms_urls[0]: \"ftp://x\" is not a URL",
	  NULL },
	{ "name: x\napp_id: 12\n", "app.yaml:2: app_id: \"12\" is not an app id", NULL },
	{ "name: x\nkey_provider: kms\nkey_provider_id: xyz\n",
	  "app.yaml:3: key_provider_id: \"xyz\" is not hex", NULL },
	{ "name: x\napp:\n  init_scripts: [ { script: a }, { script: a }, { script: a }, { script: "
	  "a }, { script: a }, { script: a } ]\n",
	  "app.yaml:3: app.init_scripts: ", "5" },
	/* what is wrong only beside something else */
	{ "name: x\nports:\n  - { host: \"80\", guest: 1 }\n  - { host: \"0.0.0.0:80\", guest: 2 "
	  "}\n",
	  "app.yaml:4: ports[1].host: port 80 of the host is taken by ports[0]; write another",
	  NULL },
	{ "name: x\napp:\n  runner: bash\n",
	  "app.yaml:3: app.runner: the runner bash needs a script; write app.script or "
	  "app.script_file",
	  NULL },
	{ "name: x\napp:\n  script: a\n",
	  "app.yaml:3: app.script: the runner none runs no script; write runner: bash", NULL },
	{ "name: x\napp:\n  runner: docker-compose\n",
	  "app.yaml:3: app.runner: the runner docker-compose needs app.docker_compose", NULL },
	{ "name: x\napp:\n  runner: bash\n  script: a\n  docker_compose: b\n",
	  "app.yaml:5: app.docker_compose: the runner bash reads no docker-compose.yaml", NULL },
	{ "name: x\nkey_provider_id: \"00\"\n",
	  "app.yaml:2: key_provider_id: there is no key provider; write key_provider: kms", NULL },
	{ "name: x\napp:\n  runner: bash\n  script_file: nowhere.sh\n",
	  "app.yaml:4: app.script_file: \"nowhere.sh\" cannot be read: No such file or directory",
	  NULL },
	{ "name: x\napp:\n  runner: bash\n  script: a\n  script_file: pre-launch.txt\n",
	  "app.yaml:5: app.script_file: script is written too; write one of them", NULL },
	{ "name: x\napp:\n  init_scripts:\n    - {}\n",
	  "app.yaml:4: app.init_scripts[0]: an init script needs a script or a script_file", NULL },
	{ "name: x\ncompose_file: ready-compose.json\nenv: [ A ]\n",
	  "app.yaml:3: env: is not used beside compose_file; remove one of them", NULL },
	{ "name: x\ncompose_file: ready-compose.json\nready_port: 80\n",
	  "app.yaml:3: ready_port: is not used beside compose_file; remove one of them", NULL },
	{ "name: x\ncompose_file: pre-launch.txt\n",
	  "app.yaml:2: compose_file: app-compose.json:1: not valid JSON", NULL },
	{ "name: x\ncompose_file: compose-without-name.json\n",
	  "app.yaml:2: compose_file: app-compose.json: name: ", NULL },
};

static void test_bad_input_names_line_key_and_remedy(void)
{
	size_t i, failed = 0;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		auto_app struct app a = APP_NULL;
		struct err e = ERR_NONE;
		int rc = app_parse(bads[i].text, strlen(bads[i].text), "app.yaml", GOLDEN, &a, &e);

		if (rc == ERR_INPUT && str_starts(e.text, bads[i].want) &&
		    (!bads[i].also || strstr(e.text, bads[i].also)))
			continue;
		failed++;
		(void)fprintf(stderr, "--- %s\n%s    said %d: %s\n    want %s ... %s\n", "input",
			      bads[i].text, rc, e.text, bads[i].want,
			      bads[i].also ? bads[i].also : "");
	}
	assert(failed == 0);
}

/* The sentence that the issue gives as its example. */
static void test_the_example_message(void)
{
	static const char text[] = "name: x\n\n\n\n\nresources:\n  memory: 2GB\n";
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;

	assert(app_parse(text, strlen(text), "app.yaml", ".", &a, &e) == ERR_INPUT);
	assert(str_equal(e.text, "app.yaml:7: resources.memory: \"2GB\" is not a size; write 2G"));
}

static void test_missing_file_is_named(void)
{
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;

	assert(app_load(GOLDEN "nowhere.yaml", &a, &e) == ERR_INPUT);
	assert(strstr(e.text, "nowhere.yaml") && strstr(e.text, "No such file"));
}

static void test_shipped_apps_are_good(void)
{
	static const char *const names[] = { "hello", "none", "simulated", "docker" };
	char path[512];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_app struct app a = APP_NULL;
		struct err e = ERR_NONE;

		assert(str_format(path, sizeof(path), SOURCE_DIR "/configs/apps/%s.yaml",
				  names[i]) > 0);
		if (app_load(path, &a, &e) < 0)
			(void)fprintf(stderr, "%s\n", e.text);
		assert(e.code == 0);
		assert(str_equal(app_str(&a, "name"), names[i]));
	}
}

/* The example of bailey-app.yaml(5) is one. */
static void test_example_of_the_manual_is_good(void)
{
	auto_buf struct buf page = BUF_MAX(0);
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;
	const char *begin, *end;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/man/bailey-app.yaml.5", 1 << 20, &page, NULL) == 0);
	begin = strstr((char *)page.p, ".Sh EXAMPLES");
	assert(begin && (begin = strstr(begin, "\nname: ")) && (end = strstr(begin, "\n.Ed")));
	if (app_parse(begin, (size_t)(end - begin), "example", ".", &a, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(e.code == 0 && str_equal(app_str(&a, "app.runner"), "bash"));
}

/* Every mistake is told, each with its place; a message each, and no two of one. */
static void test_all_faults_are_collected(void)
{
	static const char text[] = "nam: x\n"
				   "resources:\n"
				   "  cpus: two\n"
				   "  memory: 2GB\n"
				   "ports:\n"
				   "  - { host: localhost, guest: 80 }\n"
				   "  - { guest: 0, host: \"81\" }\n"
				   "env: [ OK, 9X ]\n";
	static const struct {
		unsigned int line, column;
		const char *key, *message;
	} want[] = {
		{ 1, 1, "nam", "unknown key; did you mean \"name\"?" },
		{ 1, 1, "name", "is missing" },
		{ 3, 3, "resources.cpus", "\"two\" is not a number" },
		{ 4, 3, "resources.memory", "\"2GB\" is not a size; write 2G" },
		{ 6, 7, "ports[0].host", "\"localhost\" is not an address" },
		{ 7, 7, "ports[1].guest", "0 is out of range" },
		{ 8, 12, "env[1]", "\"9X\" is not the name" },
	};
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin o = { .file = "app.yaml", .faults = &all };
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;
	size_t i;

	assert(app_parse_from(text, strlen(text), &o, &a, &e) == ERR_INPUT);
	assert(str_starts(e.text, "app.yaml:1: nam: "));
	for (i = 0; i < all.n; i++)
		(void)printf("%u:%u: %s: %s\n", all.list[i].line, all.list[i].column,
			     all.list[i].key, all.list[i].message);
	assert(all.n == sizeof(want) / sizeof(want[0]) && !all.is_cut);
	for (i = 0; i < all.n; i++) {
		assert(all.list[i].line == want[i].line && all.list[i].column == want[i].column);
		assert(str_equal(all.list[i].key, want[i].key));
		assert(str_starts(all.list[i].message, want[i].message));
	}
}

static void test_faults_across_keys_are_collected(void)
{
	static const char text[] = "name: x\n"
				   "ports:\n"
				   "  - { host: \"80\", guest: 1 }\n"
				   "  - { host: \"80\", guest: 2 }\n"
				   "key_provider_id: \"00\"\n"
				   "app:\n"
				   "  runner: docker-compose\n"
				   "  script_file: a.sh\n"
				   "user_config_file: b\n";
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin o = { .file = "app.yaml", .faults = &all };
	auto_app struct app a = APP_NULL;
	struct err e = ERR_NONE;

	assert(app_parse_from(text, strlen(text), &o, &a, &e) == ERR_INPUT);
	assert(all.n == 5);
	assert(all.list[0].line == 4 && str_equal(all.list[0].key, "ports[1].host"));
	assert(all.list[1].line == 5 && str_equal(all.list[1].key, "key_provider_id"));
	assert(all.list[2].line == 8 && str_equal(all.list[2].key, "app.script_file"));
	assert(str_equal(all.list[2].message, "\"a.sh\" is a file, and it is not attached; attach "
					      "it, or write its text as app.script"));
	assert(all.list[3].line == 8 && str_equal(all.list[3].key, "app.script"));
	assert(all.list[4].line == 9 && str_equal(all.list[4].key, "user_config_file"));
}

static void test_syntax_is_one_fault(void)
{
	static const char text[] = "name: x\nports: [\n";
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin o = { .file = "app.yaml", .faults = &all };
	auto_app struct app a = APP_NULL;

	assert(app_parse_from(text, strlen(text), &o, &a, NULL) == ERR_INPUT);
	assert(all.n == 1 && all.list[0].line == 3 && all.list[0].column == 1);
	assert(str_starts(all.list[0].message, "not valid YAML"));
}

static void test_faults_have_a_limit(void)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	auto_faults struct faults all = FAULTS_NULL;
	const struct app_origin o = { .file = "app.yaml", .faults = &all };
	auto_app struct app a = APP_NULL;
	int i;

	for (i = 0; i < 1000; i++)
		assert(buf_addf(&text, "key%d: 1\n", i) == 0);
	assert(app_parse_from(text.p, text.n, &o, &a, NULL) == ERR_INPUT);
	assert(all.n == FAULTS_MAX && all.is_cut);
}

/* What is attached stands for the files, and makes the same bytes as the files do. */
static void test_attached_files(void)
{
	static const char text[] = "name: x\napp:\n  runner: bash\n  script_file: a.sh\n"
				   "  pre_launch_file: ../b\n";
	static const char same[] = "name: x\napp:\n  runner: bash\n  script: echo a\n"
				   "  pre_launch: echo b\n";
	json_t *files = json_pack("{s:s, s:s}", "a.sh", "echo a", "../b", "echo b");
	const struct app_origin o = { .file = "app.yaml", .attached = files };
	auto_app struct app a = APP_NULL, b = APP_NULL;

	assert(app_parse_from(text, strlen(text), &o, &a, NULL) == 0);
	assert(app_parse(same, strlen(same), "same", ".", &b, NULL) == 0);
	assert(str_equal(a.hash, b.hash));
	json_decref(files);
}

int main(void)
{
	test_all_faults_are_collected();
	test_faults_across_keys_are_collected();
	test_syntax_is_one_fault();
	test_faults_have_a_limit();
	test_attached_files();
	test_golden();
	test_ready_compose_is_passed_on_byte_for_byte();
	test_defaults();
	test_user_config_is_kept_apart();
	test_bad_input_names_line_key_and_remedy();
	test_the_example_message();
	test_missing_file_is_named();
	test_shipped_apps_are_good();
	test_example_of_the_manual_is_good();
	return 0;
}
