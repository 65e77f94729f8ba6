/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claims.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

static const char magic[] = "bailey-claims 1\n";

int claims_add_daemon(struct buf *b, uint32_t pid, const char *state)
{
	char text[CLAIMS_TEXT_MAX];

	return buf_addf(b, "%sdaemon %u %s\n", magic, pid,
			str_escape(text, sizeof(text), state, strlen(state)));
}

int claims_add_vm(struct buf *b, const struct claim *vm)
{
	char text[CLAIMS_TEXT_MAX];

	return buf_addf(b, "vm %s %u %d %u %llu %s\n", vm->id, vm->cid, vm->is_running, vm->pid,
			(unsigned long long)vm->start,
			str_escape(text, sizeof(text), vm->text, strlen(vm->text)));
}

static bool is_address(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET, s, &a) == 1 || inet_pton(AF_INET6, s, &a) == 1;
}

int claims_add_port(struct buf *b, const struct manifest_port *p)
{
	if (!is_address(p->address)) /* no start takes it */
		return 0;
	return buf_addf(b, "port %s %u %s\n", p->is_udp ? "udp" : "tcp", p->from, p->address);
}

int claims_begin(struct rd *r, struct err *e)
{
	const uint8_t *p = rd_take(r, sizeof(magic) - 1);

	if (!p || memcmp(p, magic, sizeof(magic) - 1) != 0)
		return err_set(e, ERR_CORRUPT, "does not begin with \"bailey-claims 1\"");
	return 0;
}

/* The word at *@at, which moves behind it.  NULL: there is none. */
static char *word(char **at)
{
	char *s = *at, *end = strchr(s, ' ');

	if (!*s || *s == ' ')
		return NULL;
	if (end)
		*end = 0;
	*at = end ? end + 1 : s + strlen(s);
	return s;
}

static bool u32(char **at, uint32_t max, uint32_t *ret)
{
	const char *s = word(at);

	return s && num_parse_u32(s, 0, max, ret) == 0;
}

static bool read_daemon(char *at, struct claim *ret)
{
	ret->kind = CLAIM_DAEMON;
	return u32(&at, INT32_MAX, &ret->pid) && str_copy(ret->text, sizeof(ret->text), at) >= 0;
}

static bool read_vm(char *at, struct claim *ret)
{
	const char *id = word(&at), *start;
	uint32_t runs;

	ret->kind = CLAIM_VM;
	if (!id || !vm_id_is_valid(id) || str_copy(ret->id, sizeof(ret->id), id) < 0 ||
	    !u32(&at, UINT32_MAX, &ret->cid) || !u32(&at, 1, &runs) ||
	    !u32(&at, INT32_MAX, &ret->pid))
		return false;
	ret->is_running = runs;
	start = word(&at);
	return start && num_parse_u64(start, 0, UINT64_MAX, &ret->start) == 0 &&
	       str_copy(ret->text, sizeof(ret->text), at) >= 0;
}

static bool read_port(char *at, struct claim *ret)
{
	const char *protocol = word(&at), *address;
	uint32_t port;

	ret->kind = CLAIM_PORT;
	if (!protocol || !(str_equal(protocol, "tcp") || str_equal(protocol, "udp")) ||
	    !u32(&at, UINT16_MAX, &port))
		return false;
	ret->port.is_udp = str_equal(protocol, "udp");
	ret->port.from = (uint16_t)port;
	address = word(&at);
	return address && !*at && is_address(address) &&
	       str_copy(ret->port.address, sizeof(ret->port.address), address) >= 0;
}

/* The next line without its end.  Return: as claims_next(). */
static int take_line(struct rd *r, char line[static CLAIMS_LINE_MAX], struct err *e)
{
	const uint8_t *end;
	size_t n;

	if (!rd_left(r))
		return 0;
	end = memchr(r->p, '\n', rd_left(r));
	n = end ? (size_t)(end - r->p) : 0;
	if (!end || n >= CLAIMS_LINE_MAX || memchr(r->p, 0, n))
		return err_set(e, ERR_CORRUPT, "a line without an end, or too long");
	if (!rd_copy(r, line, n))
		return 0;
	line[n] = 0;
	(void)rd_take(r, 1);
	return 1;
}

int claims_next(struct rd *r, struct claim *ret, struct err *e)
{
	static const struct {
		const char *word;
		bool (*read)(char *at, struct claim *ret);
	} kinds[] = { { "daemon ", read_daemon }, { "vm ", read_vm }, { "port ", read_port } };
	char line[CLAIMS_LINE_MAX] = "";
	size_t i;
	int rc;

	while ((rc = take_line(r, line, e)) > 0) {
		for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			if (!str_starts(line, kinds[i].word))
				continue;
			*ret = (struct claim){ .pid = 0 };
			if (kinds[i].read(line + strlen(kinds[i].word), ret))
				return 1;
			return err_set(e, ERR_CORRUPT, "a line of kind \"%s\"is not right",
				       kinds[i].word);
		}
	}
	return rc;
}
