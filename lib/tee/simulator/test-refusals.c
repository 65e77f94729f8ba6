/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each check of the verifier refuses something: one thing is bent and signed again, the check that owns it
 * must say so, and without the bend nothing is refused.
 */
#undef NDEBUG
#include "tee/quote_verify.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/str.h"
#include "simulator/test_world.h"

enum { DAY = 24 * 60 * 60 };

static void must_refuse(struct world *w, const char *what, const char *check)
{
	if (world_verify(w) || !str_equal(w->res.check, check) || !*w->res.expected ||
	    !*w->res.got) {
		(void)fprintf(stderr, "%s: wanted %s, was %s (expected %s, got %s)\n", what, check,
			      w->res.check ? w->res.check : "accepted", w->res.expected,
			      w->res.got);
		abort();
	}
}

/* Certificates */

static void rename_cert(X509 *x, const char *name)
{
	X509_NAME *n = X509_NAME_new();

	assert(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1,
					  0));
	assert(X509_set_subject_name(x, n));
	X509_NAME_free(n);
}

static void leaf_named_otherwise(void *arg, enum simulator_cert which, X509 *x)
{
	(void)arg;
	if (which == SIMULATOR_PCK)
		rename_cert(x, "Mock Intel SGX TCB Signing");
}

static void signer_named_otherwise(void *arg, enum simulator_cert which, X509 *x)
{
	(void)arg;
	if (which == SIMULATOR_TCB_SIGNER)
		rename_cert(x, "Mock Intel SGX PCK Certificate");
}

static void expire(X509 *x)
{
	assert(ASN1_TIME_set(X509_getm_notAfter(x), WORLD_NOW - 1));
}

static void not_yet(X509 *x)
{
	assert(ASN1_TIME_set(X509_getm_notBefore(x), WORLD_NOW + 1));
}

/* @arg is an int: which certificate. */
static void one_expired(void *arg, enum simulator_cert which, X509 *x)
{
	if ((int)which == *(const int *)arg)
		expire(x);
}

static void one_not_yet(void *arg, enum simulator_cert which, X509 *x)
{
	if ((int)which == *(const int *)arg)
		not_yet(x);
}

static void drop_extension(X509 *x, int nid)
{
	X509_EXTENSION *e = X509_delete_ext(x, X509_get_ext_by_NID(x, nid, -1));

	assert(e);
	X509_EXTENSION_free(e);
}

static void one_without_usage(void *arg, enum simulator_cert which, X509 *x)
{
	if ((int)which == *(const int *)arg)
		drop_extension(x, NID_key_usage);
}

static void one_without_constraints(void *arg, enum simulator_cert which, X509 *x)
{
	if ((int)which == *(const int *)arg)
		drop_extension(x, NID_basic_constraints);
}

static void swap_constraints(X509 *x, enum simulator_cert which)
{
	bool was_ca = which == SIMULATOR_ROOT || which == SIMULATOR_PCK_CA;
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
						was_ca ? "critical,CA:FALSE" : "critical,CA:TRUE");

	drop_extension(x, NID_basic_constraints);
	assert(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static void one_with_swapped_constraints(void *arg, enum simulator_cert which, X509 *x)
{
	if ((int)which == *(const int *)arg)
		swap_constraints(x, which);
}

static void one_with_unknown_critical(void *arg, enum simulator_cert which, X509 *x)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;

	if ((int)which == *(const int *)arg) {
		e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
		assert(e && X509_add_ext(x, e, -1));
	}
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
}

static void leaf_without_pck(void *arg, enum simulator_cert which, X509 *x)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(PCK_EXTENSION_OID, 1);
	int at = which == SIMULATOR_PCK ? X509_get_ext_by_OBJ(x, oid, -1) : -1;

	(void)arg;
	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	ASN1_OBJECT_free(oid);
}

static void leaf_with_two_pcks(void *arg, enum simulator_cert which, X509 *x)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(PCK_EXTENSION_OID, 1);
	int at = which == SIMULATOR_PCK ? X509_get_ext_by_OBJ(x, oid, -1) : -1;

	(void)arg;
	if (at >= 0)
		assert(X509_add_ext(x, X509_get_ext(x, at), -1));
	ASN1_OBJECT_free(oid);
}

/* Lists */

static void revoke(X509_CRL *x, enum simulator_cert which)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, WORLD_NOW - DAY);

	assert(r && serial && t && ASN1_INTEGER_set(serial, (long)which + 1));
	assert(X509_REVOKED_set_serialNumber(r, serial) && X509_REVOKED_set_revocationDate(r, t));
	assert(X509_CRL_add0_revoked(x, r));
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(t);
}

static void root_lists_ca(void *arg, bool is_root, X509_CRL *x)
{
	(void)arg;
	if (is_root)
		revoke(x, SIMULATOR_PCK_CA);
}

static void root_lists_signer(void *arg, bool is_root, X509_CRL *x)
{
	(void)arg;
	if (is_root)
		revoke(x, SIMULATOR_TCB_SIGNER);
}

static void ca_lists_leaf(void *arg, bool is_root, X509_CRL *x)
{
	(void)arg;
	if (!is_root)
		revoke(x, SIMULATOR_PCK);
}

/* @arg: of the root's list? */
static void list_expired(void *arg, bool is_root, X509_CRL *x)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, WORLD_NOW - 1);

	if (is_root == *(const bool *)arg)
		assert(X509_CRL_set1_nextUpdate(x, t));
	ASN1_TIME_free(t);
}

static void list_not_yet(void *arg, bool is_root, X509_CRL *x)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, WORLD_NOW + 1);

	if (is_root == *(const bool *)arg)
		assert(X509_CRL_set1_lastUpdate(x, t));
	ASN1_TIME_free(t);
}

static void list_without_number(void *arg, bool is_root, X509_CRL *x)
{
	if (is_root == *(const bool *)arg)
		X509_EXTENSION_free(
			X509_CRL_delete_ext(x, X509_CRL_get_ext_by_NID(x, NID_crl_number, -1)));
}

static void list_of_somebody_else(void *arg, bool is_root, X509_CRL *x)
{
	X509_NAME *n = X509_NAME_new();

	assert(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)"Other CA", -1,
					  -1, 0));
	if (is_root == *(const bool *)arg)
		assert(X509_CRL_set_issuer_name(x, n));
	X509_NAME_free(n);
}

/* Documents: @arg is "key=JSON"; "a.b=" goes into objects and, by number, lists. */
static void set(void *arg, json_t *j)
{
	const char *path = arg, *value = strchr(path, '=') + 1;
	json_t *at = j, *v = json_loads(value, JSON_DECODE_ANY, NULL);
	char key[64];
	size_t n;

	assert(v);
	for (;;) {
		n = strcspn(path, ".=");
		(void)str_format(key, sizeof(key), "%.*s", (int)n, path);
		if (path[n] == '=')
			break;
		at = json_is_array(at) ? json_array_get(at, (size_t)(key[0] - '0'))
				       : json_object_get(at, key);
		assert(at);
		path += n + 1;
	}
	if (json_is_array(at))
		assert(json_array_set_new(at, (size_t)(key[0] - '0'), v) == 0);
	else
		assert(json_object_set_new(at, key, v) == 0);
}

/* The QE's report: @arg is an offset. */
static void report_byte(void *arg, uint8_t *report)
{
	report[*(const int *)arg] ^= 0x20;
}

static void debug_qe(void *arg, uint8_t *report)
{
	(void)arg;
	report[48] |= 2;
}

static void qe_without_svn(void *arg, uint8_t *report)
{
	(void)arg;
	report[258] = 0;
}

/* TDs */

static void debug_td(struct simulator_td *td)
{
	td->attributes |= 1;
}

static void reserved_td(struct simulator_td *td)
{
	td->attributes |= 4;
}

static void td_without_sept(struct simulator_td *td)
{
	td->attributes = 0;
}

static void migratable_td(struct simulator_td *td)
{
	td->attributes |= UINT64_C(1) << 29;
}

static void td_with_service(struct simulator_td *td)
{
	td->version = 5;
	td->body = QUOTE_BODY_TD15;
	td->mr_service_td.b[47] = 1;
}

static void seam_of_another(struct simulator_td *td)
{
	td->mr_signer_seam.b[0] = 1;
}

static void seam_with_attributes(struct simulator_td *td)
{
	td->seam_attributes[7] = 0x80;
}

static void unknown_module(struct simulator_td *td)
{
	td->tee_tcb_svn[1] = 7;
}

static void old_module(struct simulator_td *td)
{
	td->tee_tcb_svn[1] = 1;
	td->tee_tcb_svn[0] = 4;
}

static void first_module(struct simulator_td *td)
{
	td->tee_tcb_svn[1] = 1;
}

/* What is done after all was signed */

static void edit_text(struct world *w, const char *key, const char *from, const char *to)
{
	json_t *j = json_loadb((const char *)w->text.p, w->text.n, 0, NULL);
	const char *text = json_string_value(json_object_get(j, key)), *at = strstr(text, from);
	auto_free char *edited = NULL, *all = NULL;

	assert(at && strlen(to) < 64);
	edited = xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	assert(json_object_set_new(j, key, json_string(edited)) == 0);
	all = json_dumps(j, JSON_COMPACT);
	w->text.n = 0;
	assert(buf_add_str(&w->text, all) == 0);
	json_decref(j);
	world_read_collateral(w);
}

/* Member @key of a world in which certificate @which has expired; all keys are the same. */
static void take_expired_chain(struct world *w, const char *key, const int *which)
{
	const struct simulator_bend expired = { .certificate = one_expired,
						.arg = mem_unconst(which) };
	auto_free char *all = NULL;
	struct world other;
	json_t *j, *from;

	world_init(&other, &expired, NULL);
	j = json_loadb((const char *)w->text.p, w->text.n, 0, NULL);
	from = json_loadb((const char *)other.text.p, other.text.n, 0, NULL);
	assert(json_object_set(j, key, json_object_get(from, key)) == 0);
	all = json_dumps(j, JSON_COMPACT);
	w->text.n = 0;
	assert(buf_add_str(&w->text, all) == 0);
	world_read_collateral(w);
	json_decref(j);
	json_decref(from);
	world_deinit(&other);
}

static void other_signer_of_qe(struct world *w)
{
	int signer = SIMULATOR_TCB_SIGNER;

	take_expired_chain(w, "qe_identity_issuer_chain", &signer);
}

static void trailing(struct world *w)
{
	assert(buf_add(&w->quote, "\0\0x", 3) == 0);
	w->args.quote = w->quote.p;
	w->args.n_quote = w->quote.n;
}

static void cut(struct world *w)
{
	w->args.n_quote--;
}

static void no_collateral(struct world *w)
{
	w->args.collateral = NULL;
}

static void broken_list(struct world *w)
{
	edit_text(w, "pck_crl", "30", "31");
	assert(!w->has_collateral);
}

static void reformatted_tcb(struct world *w)
{
	edit_text(w, "tcb_info", "{\"id\":", "{\"id\": ");
}

static void reordered_tcb(struct world *w)
{
	edit_text(w, "tcb_info", "\"id\":\"TDX\",\"version\":3", "\"version\":3,\"id\":\"TDX\"");
}

static void reformatted_qe(struct world *w)
{
	edit_text(w, "qe_identity", "\"isvprodid\":1", "\"isvprodid\": 1");
}

static void other_attestation_key(struct world *w)
{
	w->quote.p[700] ^= 1;
}

static void changed_after_signing(struct world *w)
{
	w->quote.p[184] ^= 1; /* MRTD */
}

static void changed_report(struct world *w)
{
	w->quote.p[770 + 64] ^= 1; /* MRENCLAVE of the QE */
}

static void outer_type(struct world *w)
{
	w->quote.p[764] = 5;
}

static void only_a_leaf(struct world *w)
{
	w->quote.p[1252] = 4; /* certification data of a kind that names no chain */
}

/* What is bent, and who must say so.  @path is given to set(), as the argument of the hooks. */
struct refusal {
	const char *check, *what;
	struct simulator_bend bend;
	const char *path;
	void (*td)(struct simulator_td *td);
	void (*after)(struct world *w);
};

static int root_cert = SIMULATOR_ROOT, ca_cert = SIMULATOR_PCK_CA, leaf_cert = SIMULATOR_PCK,
	   signer_cert = SIMULATOR_TCB_SIGNER;
static bool of_root = true, of_ca = false;
static int misc_at = 16, attributes_at = 49, signer_at = 128 + 31, prod_at = 256, data_at = 320,
	   zeros_at = 320 + 40;

#define ROW(name, text, ...)                                                                       \
	{                                                                                          \
		.check = name, .what = text, __VA_ARGS__                                           \
	}
#define CERT(name, text, fn, a)	  ROW(name, text, .bend = { .certificate = (fn), .arg = (a) })
#define LIST(name, text, fn, a)	  ROW(name, text, .bend = { .crl = (fn), .arg = (a) })
#define REPORT(name, text, fn, a) ROW(name, text, .bend = { .qe_report = (fn), .arg = (a) })
#define TCB(name, text, to)	  ROW(name, text, .bend = { .tcb_info = set }, .path = (to))
#define QE(name, text, to)	  ROW(name, text, .bend = { .qe_identity = set }, .path = (to))
#define TD(name, text, fn)	  ROW(name, text, .td = (fn))
#define AFTER(name, text, fn)	  ROW(name, text, .after = (fn))

/* clang-format off */
static const struct refusal refusals[] = {
	AFTER("quote-form", "a quote without its last byte", cut),
	AFTER("quote-form", "outer certification data of type 5", outer_type),
	AFTER("quote-trailing", "a byte behind the quote", trailing),
	AFTER("collateral-form", "no collateral", no_collateral),
	AFTER("collateral-form", "a list that is no DER", broken_list),
	AFTER("pck-chain", "a PCK without its chain", only_a_leaf),
	CERT("pck-chain", "leaf expired", one_expired, &leaf_cert),
	CERT("pck-chain", "CA expired", one_expired, &ca_cert),
	CERT("pck-chain", "root expired", one_expired, &root_cert),
	CERT("pck-chain", "leaf not yet", one_not_yet, &leaf_cert),
	CERT("pck-chain", "CA not yet", one_not_yet, &ca_cert),
	CERT("pck-chain", "root not yet", one_not_yet, &root_cert),
	CERT("pck-chain", "leaf without usage", one_without_usage, &leaf_cert),
	CERT("pck-chain", "CA without usage", one_without_usage, &ca_cert),
	CERT("pck-chain", "CA without constraints", one_without_constraints, &ca_cert),
	CERT("pck-chain", "leaf that is a CA", one_with_swapped_constraints, &leaf_cert),
	CERT("pck-chain", "CA that is none", one_with_swapped_constraints, &ca_cert),
	CERT("pck-chain", "leaf with what must be known and is not", one_with_unknown_critical, &leaf_cert),
	CERT("pck-names", "leaf of another role", leaf_named_otherwise, NULL),
	CERT("pck-extension", "none", leaf_without_pck, NULL),
	CERT("pck-extension", "two", leaf_with_two_pcks, NULL),
	LIST("root-crl", "expired", list_expired, &of_root),
	LIST("root-crl", "not yet", list_not_yet, &of_root),
	LIST("root-crl", "no number", list_without_number, &of_root),
	LIST("root-crl", "another's", list_of_somebody_else, &of_root),
	LIST("pck-ca-revoked", "listed by the root", root_lists_ca, NULL),
	LIST("pck-crl", "expired", list_expired, &of_ca),
	LIST("pck-crl", "not yet", list_not_yet, &of_ca),
	LIST("pck-crl", "no number", list_without_number, &of_ca),
	LIST("pck-crl", "another's", list_of_somebody_else, &of_ca),
	LIST("pck-revoked", "listed by its CA", ca_lists_leaf, NULL),
	LIST("tcb-info-signer", "revoked", root_lists_signer, NULL),
	CERT("tcb-info-signer", "another role", signer_named_otherwise, NULL),
	CERT("tcb-info-signer", "expired", one_expired, &signer_cert),
	CERT("tcb-info-signer", "without usage", one_without_usage, &signer_cert),
	AFTER("tcb-info-signature", "another format", reformatted_tcb),
	AFTER("tcb-info-signature", "another order", reordered_tcb),
	AFTER("qe-identity-signer", "expired, beside the QE identity only", other_signer_of_qe),
	AFTER("qe-identity-signature", "another format", reformatted_qe),
	TCB("tcb-info-date", "past", "nextUpdate=\"2026-07-31T23:59:59Z\""),
	TCB("tcb-info-date", "future", "issueDate=\"2026-08-01T00:00:01Z\""),
	TCB("tcb-info-date", "no date", "issueDate=1785456000"),
	TCB("tcb-info-date", "more than a date", "nextUpdate=\"2026-08-31T00:00:00Zz\""),
	QE("qe-identity-date", "past", "nextUpdate=\"2026-07-31T23:59:59Z\""),
	QE("qe-identity-date", "future", "issueDate=\"2026-08-01T00:00:01Z\""),
	TCB("tcb-info-id", "of SGX", "id=\"SGX\""),
	TCB("tcb-info-id", "version 2", "version=2"),
	TCB("tcb-info-id", "version as text", "version=\"3\""),
	QE("qe-identity-id", "of SGX", "id=\"QE\""),
	QE("qe-identity-id", "version 4", "version=4"),
	TCB("fmspc", "another", "fmspc=\"000000000001\""),
	TCB("fmspc", "short", "fmspc=\"0000000000\""),
	TCB("fmspc", "a number", "fmspc=0"),
	TCB("pce-id", "another", "pceId=\"0100\""),
	AFTER("qe-report-signature", "changed after signing", changed_report),
	AFTER("qe-report-data", "another key", other_attestation_key),
	REPORT("qe-report-data", "another digest", report_byte, &data_at),
	REPORT("qe-report-data", "more than the digest", report_byte, &zeros_at),
	REPORT("qe-miscselect", "another", report_byte, &misc_at),
	QE("qe-miscselect", "no mask", "miscselectMask=\"\""),
	REPORT("qe-attributes", "another", report_byte, &attributes_at),
	REPORT("qe-attributes", "debug, which the mask forbids", debug_qe, NULL),
	ROW("qe-debug", "debug, which the mask allows", .bend = { .qe_report = debug_qe, .qe_identity = set }, .path = "attributesMask=\"00000000000000000000000000000000\""),
	REPORT("qe-mrsigner", "another", report_byte, &signer_at),
	REPORT("qe-isvprodid", "another", report_byte, &prod_at),
	QE("qe-isvprodid", "as text", "isvprodid=\"1\""),
	AFTER("quote-signature", "changed after signing", changed_after_signing),
	TD("tdx-module", "unknown", unknown_module),
	TCB("tdx-module", "not named", "tdxModule=null"),
	ROW("tdx-module", "no list of them", .bend = { .tcb_info = set }, .path = "tdxModuleIdentities={}", .td = first_module),
	TD("mrsignerseam", "another", seam_of_another),
	TD("seam-attributes", "another", seam_with_attributes),
	ROW("seam-attributes", "named so, but not zero", .bend = { .tcb_info = set }, .path = "tdxModule.attributes=\"0000000000000080\"", .td = seam_with_attributes),
	TCB("tcb-level", "no levels", "tcbLevels=[]"),
	TCB("tcb-level", "not a status", "tcbLevels.0.tcbStatus=\"Good\""),
	TCB("tcb-level", "relaunch is ours to say", "tcbLevels.1.tcbStatus=\"TDRelaunchAdvised\""),
	TCB("tcb-level", "an SVN above a byte", "tcbLevels.1.tcb.sgxtcbcomponents.3={\"svn\":256}"),
	QE("tcb-level", "no level of the QE", "tcbLevels=[]"),
	ROW("tcb-level", "no level of the module", .bend = { .tcb_info = set }, .path = "tdxModuleIdentities.0.tcbLevels.1.tcb.isvsvn=5", .td = old_module),
	TCB("tcb-status", "platform", "tcbLevels.0.tcbStatus=\"SWHardeningNeeded\""),
	TCB("tcb-status", "revoked", "tcbLevels.0.tcbStatus=\"Revoked\""),
	REPORT("tcb-status", "QE", qe_without_svn, NULL),
	TD("tcb-status", "module", old_module),
	TD("debug", "TD of debug", debug_td),
	TD("td-attributes", "reserved bits", reserved_td),
	TD("td-attributes", "no SEPT_VE_DISABLE", td_without_sept),
	TD("td-attributes", "migratable", migratable_td),
	TD("mrservicetd", "a service TD", td_with_service),
};
/* clang-format on */

enum { N_REFUSALS = sizeof(refusals) / sizeof(*refusals) };

static void build(struct world *w, const struct refusal *r)
{
	struct simulator_bend bend = r->bend;
	struct simulator_td td;

	if (r->path)
		bend.arg = mem_unconst(r->path); /* set() does not write */
	simulator_td_init(&td);
	if (r->td)
		r->td(&td);
	world_init(w, &bend, &td);
	if (r->after)
		r->after(w);
}

static void test_every_check_refuses_something(void)
{
	bool reached[QUOTE_CHECKS_MAX] = { false };
	struct world w;
	size_t i, k;

	for (i = 0; i < N_REFUSALS; i++) {
		build(&w, &refusals[i]);
		must_refuse(&w, refusals[i].what, refusals[i].check);
		reached[w.res.n_held] = true;
		world_deinit(&w);
	}
	for (k = 0; quote_checks[k].name; k++) {
		if (!reached[k])
			(void)fprintf(stderr, "%s: no test reaches it\n", quote_checks[k].name);
		assert(reached[k]);
	}
	(void)printf("%d refusals of %zu checks\n", (int)N_REFUSALS, k);
}

/* The chain beside the PCK CRL: its dates count, and that it is one. */
static void test_the_chain_of_the_pck_list(void)
{
	struct world w;

	world_init(&w, NULL, NULL);
	take_expired_chain(&w, "pck_crl_issuer_chain", &ca_cert);
	must_refuse(&w, "an expired CA", "pck-crl");
	edit_text(&w, "pck_crl_issuer_chain", "BEGIN", "BEGUN");
	edit_text(&w, "pck_crl_issuer_chain", "BEGIN", "BEGUN");
	must_refuse(&w, "no chain", "collateral-form");
	world_deinit(&w);
}

/* What Intel's rules leave to whoever reads the status, strict refuses; nothing else is another. */
static void test_strict_is_intel_and_more(void)
{
	struct world w;
	size_t i;

	for (i = 0; i < N_REFUSALS; i++) {
		bool is_strict_only = str_equal(refusals[i].check, "quote-trailing") ||
				      str_equal(refusals[i].what, "migratable") ||
				      (str_equal(refusals[i].check, "tcb-status") &&
				       !str_equal(refusals[i].what, "revoked"));

		build(&w, &refusals[i]);
		w.args.policy = QUOTE_POLICY_INTEL;
		if (!is_strict_only)
			must_refuse(&w, refusals[i].what, refusals[i].check);
		else
			assert(world_verify(&w));
		world_deinit(&w);
	}
}

static void test_statuses_are_accepted_by_name(void)
{
	static const enum tcb_status all[] = { TCB_UP_TO_DATE,	TCB_SW_HARDENING,
					       TCB_CONFIG,	TCB_CONFIG_SW_HARDENING,
					       TCB_OUT_OF_DATE, TCB_OUT_OF_DATE_CONFIG,
					       TCB_REVOKED };
	char path[96];
	struct simulator_bend bend = { .tcb_info = set, .arg = path };
	struct world w;
	size_t i, k;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		(void)str_format(path, sizeof(path), "tcbLevels.0.tcbStatus=\"%s\"",
				 tcb_status_name(all[i]));
		world_init(&w, &bend, NULL);
		for (k = 0; k < sizeof(all) / sizeof(*all); k++) {
			w.args.accept = 1u << all[k];
			if (i == k && all[i] != TCB_REVOKED)
				assert(world_verify(&w));
			else
				must_refuse(&w, path, "tcb-status");
			assert(w.res.status == all[i]);
		}
		world_deinit(&w);
	}
}

static void test_advisories_are_told_once(void)
{
	struct simulator_bend bend = { .qe_identity = set, .qe_report = qe_without_svn };
	struct simulator_td td;
	struct world w;

	bend.arg = mem_unconst("tcbLevels.1.advisoryIDs=[\"SIMULATED-SA-00001\",\"B\",\"B\"]");
	simulator_td_init(&td);
	td.tee_tcb_svn[1] = 1;
	td.tee_tcb_svn[0] = 4;
	world_init(&w, &bend, &td);
	w.args.accept = 1u << TCB_OUT_OF_DATE;
	assert(world_verify(&w) && w.res.status == TCB_OUT_OF_DATE && w.res.n_advisories == 2);
	assert(str_equal(w.res.advisories[0], "SIMULATED-SA-00001") &&
	       str_equal(w.res.advisories[1], "B"));
	world_deinit(&w);
}

int main(void)
{
	test_every_check_refuses_something();
	test_the_chain_of_the_pck_list();
	test_strict_is_intel_and_more();
	test_statuses_are_accepted_by_name();
	test_advisories_are_told_once();
	return 0;
}
