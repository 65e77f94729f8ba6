/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/registry_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/str.h"
#include "data/json.h"
#include "gateway/registry.h"

enum { KEY_TEXT = 44 };

static const char name[] = "instances";

static int write_ports(const struct route_policy *p, struct buf *ret)
{
	uint8_t i;
	int rc = buf_add_str(ret, p->is_known ? "[" : "null");

	for (i = 0; p->is_known && i < p->n && !rc; i++)
		rc = buf_addf(ret, "%s[%u,%s]", i ? "," : "", p->ports[i].port,
			      p->ports[i].wants_proxy_header ? "true" : "false");
	return rc || !p->is_known ? rc : buf_add_str(ret, "]");
}

int registry_line_write(const struct registry_instance *in, struct buf *ret)
{
	struct in_addr address = { htonl(in->address) };
	char text[INET_ADDRSTRLEN];
	int rc = buf_addf(ret, "{\"id\":\"%s\",\"app\":\"%s\",\"compose_hash\":\"%s\",\"key\":\"",
			  in->id, in->app_id, in->compose_hash);

	if (!rc)
		rc = base64_encode(ret, in->key, REGISTRY_KEY);
	if (!rc) {
		rc = buf_addf(ret,
			      "\",\"address\":\"%s\",\"since\":%llu,\"ready\":%s,\"restrict\":%s,"
			      "\"ports\":",
			      inet_ntop(AF_INET, &address, text, sizeof(text)),
			      (unsigned long long)in->reg_time, in->is_held ? "false" : "true",
			      in->policy.is_restricted ? "true" : "false");
	}
	if (!rc)
		rc = write_ports(&in->policy, ret);
	return rc ? rc : buf_add_str(ret, "}\n");
}

static int read_ports(const json_t *list, struct route_policy *p)
{
	size_t i;

	if (json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > ROUTES_PORTS_MAX)
		return -EINVAL;
	p->is_known = true;
	for (i = 0; i < json_array_size(list); i++) {
		json_int_t port = 0;
		int wants = 0;

		if (json_unpack(json_array_get(list, i), "[I,b!]", &port, &wants) < 0 || port < 1 ||
		    port > UINT16_MAX)
			return -EINVAL;
		p->ports[p->n++] = (struct route_port){ (uint16_t)port, wants };
	}
	return 0;
}

static int read_key(const char *text, uint8_t ret[static REGISTRY_KEY])
{
	uint8_t key[KEY_TEXT];

	if (strlen(text) != KEY_TEXT || base64_decode(key, text, KEY_TEXT) != REGISTRY_KEY)
		return -EINVAL;
	memcpy(ret, key, REGISTRY_KEY);
	return 0;
}

static int read_instance(json_t *o, struct registry_instance *ret)
{
	const char *id, *app, *hash, *key, *address;
	struct in_addr a;
	json_int_t since = 0;
	const json_t *ports;
	int is_restricted = 0, is_ready = 1;

	*ret = (struct registry_instance){ .address = 0 };
	if (json_unpack(o, "{s:s,s:s,s:s,s:s,s:s,s:I,s?b,s:b,s:o!}", "id", &id, "app", &app,
			"compose_hash", &hash, "key", &key, "address", &address, "since", &since,
			"ready", &is_ready, "restrict", &is_restricted, "ports", &ports) < 0 ||
	    str_copy(ret->id, sizeof(ret->id), id) < 0 ||
	    str_copy(ret->app_id, sizeof(ret->app_id), app) < 0 ||
	    str_copy(ret->compose_hash, sizeof(ret->compose_hash), hash) < 0 ||
	    read_key(key, ret->key) < 0 || inet_pton(AF_INET, address, &a) != 1 || since < 0 ||
	    read_ports(ports, &ret->policy) < 0)
		return -EINVAL;
	ret->address = ntohl(a.s_addr);
	ret->reg_time = (uint64_t)since;
	ret->policy.is_restricted = is_restricted;
	ret->is_held = !is_ready;
	return 0;
}

int registry_override_write(const struct override *o, struct buf *ret)
{
	int rc = buf_addf(ret, "{\"override\":\"%s\",\"drained\":", o->id);

	if (!rc)
		rc = buf_add_str(ret, o->is_drained ? "\"" : "null");
	if (!rc && o->is_drained)
		rc = base64_encode(ret, o->key, REGISTRY_KEY);
	if (!rc)
		rc = buf_addf(ret, "%s,\"restrict\":%s,\"ports\":", o->is_drained ? "\"" : "",
			      o->policy.is_restricted ? "true" : "false");
	if (!rc)
		rc = write_ports(&o->policy, ret);
	return rc ? rc : buf_add_str(ret, "}\n");
}

/* Return: 1: it is one; 0: it is something else; -EINVAL. */
static int read_override(json_t *o, struct override *ret)
{
	const char *id, *key;
	const json_t *drained, *ports;
	int is_restricted = 0;

	if (!json_object_get(o, "override"))
		return 0;
	*ret = (struct override){ .is_drained = false };
	if (json_unpack(o, "{s:s,s:o,s:b,s:o!}", "override", &id, "drained", &drained, "restrict",
			&is_restricted, "ports", &ports) < 0 ||
	    strlen(id) != OVERRIDE_ID || strspn(id, "0123456789abcdef") != OVERRIDE_ID ||
	    read_ports(ports, &ret->policy) < 0)
		return -EINVAL;
	(void)str_copy(ret->id, sizeof(ret->id), id);
	ret->policy.is_restricted = is_restricted;
	key = json_string_value(drained);
	if (!key)
		return json_is_null(drained) ? 1 : -EINVAL;
	ret->is_drained = true;
	return read_key(key, ret->key) < 0 ? -EINVAL : 1;
}

static int read_line(const char *p, size_t n, struct registry *r, size_t *dropped, struct err *e)
{
	struct registry_instance in;
	struct override said;
	json_auto_t *o = NULL;
	const char *gone;
	int rc = json_parse(p, n, REGISTRY_LINE_MAX, "it", &o, e);

	if (rc)
		return rc;
	if (json_unpack(o, "{s:s!}", "gone", &gone) == 0) {
		registry_forget(r, gone);
		return 0;
	}
	rc = read_override(o, &said);
	if (rc < 0)
		return err_set(e, ERR_CORRUPT, "it is not what an operator said of an instance");
	if (rc)
		return overrides_put(registry_overrides(r), &said, e);
	if (read_instance(o, &in) < 0)
		return err_set(e, ERR_CORRUPT, "it is neither an instance nor one that is gone");
	rc = registry_put(r, &in, e);
	if (rc == 0 || rc == ERR_CONFLICT)
		return rc;
	/* right, but not with what is configured now; what it was before would be wrong too */
	(void)registry_remove(r, in.id);
	(*dropped)++;
	return 0;
}

int registry_text_read(const char *p, size_t n, struct registry *r, size_t *ret_dropped,
		       struct err *e)
{
	const char *end;
	unsigned int number = 1;
	size_t dropped = 0;
	int rc;

	for (; n && (end = memchr(p, '\n', n)); number++) {
		rc = read_line(p, (size_t)(end - p), r, &dropped, e);
		if (rc)
			return err_wrap(e, ERR_CORRUPT, "line %u", number);
		n -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	*ret_dropped = dropped;
	return 0;
}

static int replace(struct registry_file *f, struct registry *r, struct err *e)
{
	const struct overrides *said = registry_overrides(r);
	auto_buf struct buf b = BUF_MAX(REGISTRY_FILE_MAX);
	size_t i;
	int rc = 0;

	for (i = 0; i < registry_count(r) && !rc; i++)
		rc = registry_line_write(registry_at(r, i), &b);
	for (i = 0; i < said->n && !rc; i++)
		rc = registry_override_write(said->list[i], &b);
	if (rc)
		return err_set(e, rc, "writing down %zu instances", registry_count(r));
	rc = file_replace(f->dirfd, name, 0600, b.p ? (const void *)b.p : "", b.n, e);
	if (rc)
		return rc;
	/* whoever dies here has the new file, and opens it anew */
	f->is_torn = true;
	f->fd = fd_close(f->fd);
	f->fd = openat(f->dirfd, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		return err_errno(e, errno, "opening the registrations '%s'", name);
	f->size = f->tidy = b.n;
	f->is_torn = false;
	return 0;
}

int registry_file_open(struct registry_file *f, const char *folder, struct registry *r,
		       size_t *ret_dropped, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(REGISTRY_FILE_MAX);
	size_t dropped = 0;
	int rc;

	*f = REGISTRY_FILE_NULL;
	rc = file_mkdir_all(folder, 0700, e);
	if (rc)
		return rc;
	f->dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return err_errno(e, errno, "opening the folder '%s'", folder);
	rc = file_sweep(f->dirfd, e);
	if (!rc)
		rc = file_read(f->dirfd, name, REGISTRY_FILE_MAX, &b, e);
	if (rc == 0)
		rc = registry_text_read((const char *)b.p, b.n, r, &dropped, e);
	if (rc && rc != -ENOENT)
		return err_wrap(e, rc, "%s/%s", folder, name);
	rc = replace(f, r, e);
	if (!rc)
		*ret_dropped = dropped;
	return rc;
}

void registry_file_close(struct registry_file *f)
{
	f->fd = fd_close(f->fd);
	f->dirfd = fd_close(f->dirfd);
}

static int append(struct registry_file *f, const struct buf *line, struct err *e)
{
	int rc;

	if (f->is_torn || f->fd < 0)
		return err_set(e, -EIO, "the registrations cannot be written now; try again later");
	rc = inject_error("registry.append");
	if (!rc)
		rc = fd_write_all(f->fd, line->p, line->n);
	inject_point("registry.written");
	if (!rc && fdatasync(f->fd) < 0)
		rc = -errno;
	inject_point("registry.synced");
	if (rc) {
		f->is_torn = true;
		return err_errno(e, -rc, "writing the registrations");
	}
	f->size += line->n;
	return 0;
}

int registry_file_put(struct registry_file *f, const struct registry_instance *in, struct err *e)
{
	auto_buf struct buf line = BUF_MAX(REGISTRY_LINE_MAX);
	int rc = registry_line_write(in, &line);

	return rc ? err_set(e, rc, "writing down a registration") : append(f, &line, e);
}

int registry_file_override(struct registry_file *f, const struct override *o, struct err *e)
{
	auto_buf struct buf line = BUF_MAX(REGISTRY_LINE_MAX);
	int rc = registry_override_write(o, &line);

	return rc ? err_set(e, rc, "writing down what an operator said") : append(f, &line, e);
}

int registry_file_gone(struct registry_file *f, const char *id, struct err *e)
{
	auto_buf struct buf line = BUF_MAX(REGISTRY_LINE_MAX);
	int rc = buf_addf(&line, "{\"gone\":\"%s\"}\n", id);

	return rc ? err_set(e, rc, "writing down who is gone") : append(f, &line, e);
}

int registry_file_tidy(struct registry_file *f, struct registry *r, struct err *e)
{
	if (!f->is_torn && f->size <= 2 * f->tidy + REGISTRY_FILE_SLACK)
		return 0;
	return replace(f, r, e);
}
