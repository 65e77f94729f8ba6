/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/proc_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

enum { LINE_SIZE = 512, KIB = 1024 };

/* Copy the next line, cut at LINE_SIZE - 1, and move on.  Return: false at the end. */
static bool next_line(const char **text, char line[static LINE_SIZE])
{
	const char *end = strchrnul(*text, '\n');
	size_t n = (size_t)(end - *text);

	if (**text == 0)
		return false;
	if (n > LINE_SIZE - 1)
		n = LINE_SIZE - 1;
	memcpy(line, *text, n);
	line[n] = 0;
	*text = *end ? end + 1 : end;
	return true;
}

/* Cut the next word out of a line.  Return: "" when there is none. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	char *end = word + strcspn(word, " \t");

	*at = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static uint64_t number(const char *s)
{
	uint64_t v = 0;

	return num_parse_u64(s, 0, UINT64_MAX, &v) < 0 ? 0 : v;
}

/* "Key:   value": the value if the line is of @key, else NULL. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);
	char *colon;

	if (strncmp(line, key, n) != 0)
		return NULL;
	colon = line + n + strspn(line + n, " \t");
	return *colon == ':' ? colon + 1 + strspn(colon + 1, " \t") : NULL;
}

void proc_memory_of(const char *text, struct proc_memory *ret)
{
	const struct {
		const char *key;
		uint64_t *to;
	} keys[] = {
		{ "MemTotal", &ret->total },	 { "MemAvailable", &ret->available },
		{ "MemFree", &ret->free },	 { "SwapTotal", &ret->swap_total },
		{ "SwapFree", &ret->swap_free },
	};
	char line[LINE_SIZE], *v;
	uint64_t kib;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	while (next_line(&text, line)) {
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			v = value_of(line, keys[i].key);
			kib = v ? number(next_word(&v)) : 0;
			if (v && num_mul(kib, KIB, &kib))
				*keys[i].to = kib;
		}
	}
}

/* "12.34" as 1234 */
static uint64_t hundredths(char *word)
{
	char *dot = strchr(word, '.');
	char two[3] = "00";
	uint64_t whole;
	size_t i;

	if (!dot)
		return 0;
	*dot = 0;
	for (i = 0; i < 2 && dot[1 + i]; i++)
		two[i] = dot[1 + i];
	whole = number(word);
	return whole < UINT32_MAX ? whole * 100 + number(two) : 0;
}

void proc_loads_of(const char *text, uint32_t ret[static 3])
{
	char line[LINE_SIZE] = "", *at = line;
	size_t i;

	(void)next_line(&text, line);
	for (i = 0; i < 3; i++)
		ret[i] = (uint32_t)hundredths(next_word(&at));
}

uint64_t proc_uptime_of(const char *text)
{
	char line[LINE_SIZE] = "", *at = line;

	(void)next_line(&text, line);
	return hundredths(next_word(&at)) / 100;
}

uint32_t proc_cpus_of(const char *text, char *model, size_t size)
{
	char line[LINE_SIZE], name[LINE_SIZE] = "", mhz[LINE_SIZE] = "0", *v;
	uint32_t n = 0;

	while (next_line(&text, line)) {
		if (value_of(line, "processor"))
			n++;
		v = n == 1 ? value_of(line, "model name") : NULL;
		if (v)
			(void)str_copy(name, sizeof(name), v);
		v = n == 1 ? value_of(line, "cpu MHz") : NULL;
		if (v) {
			v[strcspn(v, ".")] = 0;
			(void)str_copy(mhz, sizeof(mhz), v);
		}
	}
	(void)str_format(model, size, "%.160s @%.16s MHz", name, mhz);
	return n;
}

bool proc_is_td(const char *text)
{
	static const char flag[] = " tdx_guest";
	const char *line = strstr(text, "\nflags"), *end, *at;

	if (!line)
		return false;
	end = strchrnul(line + 1, '\n');
	for (at = line; (at = strstr(at, flag)) && at < end; at += sizeof(flag) - 1) {
		if (strchr(" \n", at[sizeof(flag) - 1])) /* or the text's end */
			return true;
	}
	return false;
}

void proc_os_release_of(const char *text, const char *key, char *dst, size_t size)
{
	size_t n_key = strlen(key), n;
	char line[LINE_SIZE], *v;

	(void)str_copy(dst, size, "");
	while (next_line(&text, line)) {
		if (strncmp(line, key, n_key) != 0 || line[n_key] != '=')
			continue;
		v = line + n_key + 1;
		n = strlen(v);
		if (n >= 2 && (*v == '"' || *v == '\'') && v[n - 1] == *v) {
			v[n - 1] = 0;
			v++;
		}
		(void)str_copy(dst, size, v);
	}
}

size_t proc_interfaces_of(const char *text, struct proc_interface *rows, size_t most)
{
	char line[LINE_SIZE], *colon, *at, *name;
	uint64_t v[16];
	size_t n = 0, i;

	while (n < most && next_line(&text, line)) {
		colon = strchr(line, ':'); /* the two title lines have none */
		if (!colon)
			continue;
		*colon = 0;
		at = line;
		name = next_word(&at);
		at = colon + 1;
		for (i = 0; i < 16; i++)
			v[i] = number(next_word(&at));
		if (str_copy(rows[n].name, sizeof(rows[n].name), name) < 0)
			continue;
		rows[n].rx_bytes = v[0];
		rows[n].rx_errors = v[2];
		rows[n].tx_bytes = v[8];
		rows[n].tx_errors = v[10];
		n++;
	}
	return n;
}

size_t proc_gateways_of(const char *text, char (*rows)[PROC_ADDRESS_SIZE], size_t most)
{
	unsigned int destination, gateway, flags;
	struct in_addr a;
	char line[LINE_SIZE];
	size_t n = 0;

	while (n < most && next_line(&text, line)) {
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's hex, and the count is checked */
		if (sscanf(line, "%*15s %8x %8x %4x", &destination, &gateway, &flags) != 3 ||
		    destination != 0 || gateway == 0)
			continue;
		a.s_addr = gateway; /* printed by the kernel as a number of its own byte order */
		if (inet_ntop(AF_INET, &a, rows[n], PROC_ADDRESS_SIZE))
			n++;
	}
	return n;
}

static bool is_address(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET, s, &a) == 1 || inet_pton(AF_INET6, s, &a) == 1;
}

size_t proc_nameservers_of(const char *text, char (*rows)[PROC_ADDRESS_SIZE], size_t most)
{
	char line[LINE_SIZE], *at, *address;
	size_t n = 0;

	while (n < most && next_line(&text, line)) {
		at = line;
		if (!str_equal(next_word(&at), "nameserver"))
			continue;
		address = next_word(&at);
		if (is_address(address) && str_copy(rows[n], PROC_ADDRESS_SIZE, address) >= 0)
			n++;
	}
	return n;
}
