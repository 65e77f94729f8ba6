/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "pccs/pccs.h"

enum { HOST_MAX = 256, SHOWN_MAX = 200 };

/* The CRL distribution point in Intel's root certificate (tee/root.c). */
static const char intel_root_crl[] =
	"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

static int wrong(const char *given, const char *why, struct err *e)
{
	char shown[SHOWN_MAX];

	return err_set(e, ERR_INPUT,
		       "the PCCS \"%s\" %s; write https://HOST:PORT, or leave it away for Intel's",
		       str_escape(shown, sizeof(shown), given, strlen(given)), why);
}

/* What neither a shell, a log nor libcurl could read in two ways. */
static bool is_plain(const char *s)
{
	static const char also[] = "-._~:/[]";

	for (; *s; s++) {
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr(also, *s)))
			return false;
	}
	return true;
}

/* The host of a URL with a scheme; "" if there is none. */
static const char *host_of(const char *url, char ret[static HOST_MAX])
{
	const char *p = strstr(url, "://");
	size_t n;

	*ret = 0;
	if (!p)
		return ret;
	p += 3;
	n = *p == '[' ? strcspn(p, "]/") + 1 : strcspn(p, ":/");
	if (n < HOST_MAX && n <= strlen(p)) {
		memcpy(ret, p, n);
		ret[n] = 0;
	}
	return ret;
}

bool pccs_url_is_loopback(const char *base)
{
	char host[HOST_MAX];
	struct in_addr a;

	(void)host_of(base, host);
	if (strcasecmp(host, "localhost") == 0 || str_equal(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

static void cut_end(char *s)
{
	static const char *const ends[] = { "/sgx/certification/v4", "/tdx/certification/v4" };
	size_t i, n;

	for (n = strlen(s); n > 0 && s[n - 1] == '/'; n--)
		s[n - 1] = 0;
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (str_ends(s, ends[i]))
			s[n - strlen(ends[i])] = 0;
	}
}

int pccs_url_base(const char *given, bool may_http, char ret[static PCCS_URL_MAX], struct err *e)
{
	bool is_http = str_starts(given, "http://");
	char host[HOST_MAX];

	if (!is_http && !str_starts(given, "https://"))
		return wrong(given, "is neither https nor http", e);
	if (!is_plain(given) || !*host_of(given, host))
		return wrong(given, "is not a plain URL of a host", e);
	if (is_http && !may_http && !pccs_url_is_loopback(given)) {
		return wrong(given,
			     "is without TLS and on another host, where anybody on the way could "
			     "keep new revocations from you (--allow-http takes it all the same)",
			     e);
	}
	/* what is added to it for a part must fit, too */
	if (str_copy(ret, PCCS_URL_MAX - 100, given) < 0)
		return wrong(given, "is too long", e);
	cut_end(ret);
	return 0;
}

int pccs_url_part(const char *base, enum pccs_kind kind, const struct pccs_platform *p,
		  char ret[static PCCS_URL_MAX], struct err *e)
{
	const char *tee = p->is_tdx ? "tdx" : "sgx";
	char fmspc[2 * sizeof(p->fmspc) + 1];
	int n = -1;

	str_hex(fmspc, p->fmspc, sizeof(p->fmspc));
	switch (kind) {
	case PCCS_ROOT_CRL:
		n = strcasecmp(base, PCCS_INTEL_URL) == 0
			    ? str_copy(ret, PCCS_URL_MAX, intel_root_crl)
			    : str_format(ret, PCCS_URL_MAX, "%s/sgx/certification/v4/rootcacrl",
					 base);
		break;
	case PCCS_PCK_CRL:
		n = str_format(ret, PCCS_URL_MAX,
			       "%s/sgx/certification/v4/pckcrl?ca=%s&encoding=der", base,
			       p->is_processor_ca ? "processor" : "platform");
		break;
	case PCCS_TCB_INFO:
		n = str_format(ret, PCCS_URL_MAX, "%s/%s/certification/v4/tcb?fmspc=%s", base, tee,
			       fmspc);
		break;
	case PCCS_QE_IDENTITY:
		n = str_format(ret, PCCS_URL_MAX, "%s/%s/certification/v4/qe/identity", base, tee);
		break;
	case PCCS_KIND_COUNT:
	default:
		break;
	}
	return n < 0 ? wrong(base, "is too long", e) : 0;
}
