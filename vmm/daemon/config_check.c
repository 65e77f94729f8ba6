/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "domain/host_devices.h"
#include "store/registry.h"

enum { UNIX_PATH_MAX_BYTES = 107 };

int config_check_path(const char *text, struct err *e)
{
	if (*text != '/')
		return err_set(e, ERR_INPUT, "\"%s\" is not an absolute path; begin with /", text);
	return 0;
}

int config_check_address(const char *text, struct err *e)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) != 1 && inet_pton(AF_INET6, text, raw) != 1)
		return err_set(e, ERR_INPUT, "\"%s\" is not an IP address; write 127.0.0.1", text);
	return 0;
}

int config_check_key_provider(const char *text, struct err *e)
{
	static const char scheme[] = "unix:";

	if (!str_starts(text, scheme))
		return config_check_endpoint(text, e);
	if (text[strlen(scheme)] != '/' || strlen(text + strlen(scheme)) > UNIX_PATH_MAX_BYTES)
		return err_set(e, ERR_INPUT,
			       "\"%s\" is no socket; write unix:/run/x.sock, of at most 107 bytes",
			       text);
	return 0;
}

int config_check_endpoint(const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
		return err_set(e, ERR_INPUT, "\"%s\" is not host:port; write 127.0.0.1:3443", text);
	return 0;
}

int config_check_product(const char *text, struct err *e)
{
	if (strspn(text, "0123456789abcdef") != 4 || text[4] != ':' ||
	    strspn(text + 5, "0123456789abcdef") != 4 || text[9])
		return err_set(e, ERR_INPUT,
			       "\"%s\" is not VENDOR:PRODUCT; write one like 10de:2335", text);
	return 0;
}

int config_check_slot(const char *text, struct err *e)
{
	struct pci_slot s;

	if (pci_slot_parse(text, &s))
		return err_set(e, ERR_INPUT, "\"%s\" is not a PCI slot; write one like 18:00.0",
			       text);
	return 0;
}

int config_check_registry(const char *text, struct err *e)
{
	if (*text && !registry_repo_is_valid(registry_repo_of(text))) {
		return err_set(
			e, ERR_INPUT,
			"\"%s\" is not a repository; write HOST[:PORT]/PATH in lower case, without "
			"a tag",
			text);
	}
	return 0;
}

int config_check_url(const char *text, struct err *e)
{
	if (!str_starts(text, "http://") && !str_starts(text, "https://"))
		return err_set(e, ERR_INPUT, "\"%s\" is not a URL; begin with https://", text);
	return 0;
}

int config_check_libvirt(const char *text, struct err *e)
{
	if (str_equal(text, "embed") || str_equal(text, "system") || strstr(text, "://"))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not embed, system or a URI like qemu:///system",
		       text);
}

int config_check_seed(const char *text, struct err *e)
{
	uint8_t raw[32];

	if (str_unhex(raw, sizeof(raw), text))
		return err_set(e, ERR_INPUT, "is not 64 hex digits");
	return 0;
}
