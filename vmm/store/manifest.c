/* SPDX-License-Identifier: Apache-2.0 */
#include "store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

static const char file_name[] = "vm-manifest.json";

bool vm_id_is_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n >= 1 && n <= VM_ID_MAX && !id[n];
}

void manifest_list_deinit(struct manifest_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct manifest_list){ .n = 0 };
}

static void network_deinit(struct manifest_network *n)
{
	free(n->mode);
	free(n->bridge);
	free(n->mac_prefix);
	free(n->net);
	free(n->dhcp_start);
	free(n->netdev);
}

void manifest_networks_deinit(struct manifest *m)
{
	size_t i;

	for (i = 0; i < m->n_networks; i++)
		network_deinit(&m->networks[i]);
	free(m->networks);
	m->networks = NULL;
	m->n_networks = 0;
}

void manifest_set_gateway(struct manifest *m, const char *domain, uint16_t port, const char *url,
			  const char *admin)
{
	if (m->gateway) {
		free(m->gateway->domain);
		free(m->gateway->url);
		free(m->gateway->admin);
		free(m->gateway);
		m->gateway = NULL;
	}
	if (!domain)
		return;
	m->gateway = xnew(struct manifest_gateway);
	m->gateway->domain = xstrdup(domain);
	m->gateway->port = port;
	m->gateway->url = xstrdup(url);
	m->gateway->admin = xstrdup(admin);
}

void manifest_deinit(struct manifest *m)
{
	free(m->name);
	free(m->app_id);
	free(m->image);
	free(m->simulated_tee);
	free(m->gpu_attach_mode);
	manifest_list_deinit(&m->gpus);
	manifest_list_deinit(&m->gpu_bridges);
	manifest_list_deinit(&m->kms_urls);
	manifest_list_deinit(&m->gateway_urls);
	manifest_list_deinit(&m->volumes);
	manifest_networks_deinit(m);
	manifest_set_gateway(m, NULL, 0, NULL, NULL);
	free(m->ports);
	json_decref(m->unknown);
	*m = MANIFEST_NULL;
}

int manifest_list_add(struct manifest_list *l, const char *s, struct err *e)
{
	char **items;

	if (l->n >= MANIFEST_LIST_MAX)
		return err_set(e, ERR_LIMIT, "more than %d entries", MANIFEST_LIST_MAX);
	items = realloc(l->items, (l->n + 1) * sizeof(*items));
	if (!items)
		return err_set(e, -ENOMEM, "out of memory");
	items[l->n] = xstrdup(s);
	l->items = items;
	l->n++;
	return 0;
}

bool manifest_list_has(const struct manifest_list *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (str_equal(l->items[i], s))
			return true;
	}
	return false;
}

int manifest_load(int dirfd, struct manifest *ret, struct err *e)
{
	json_t *j = NULL;
	int rc = json_read_file(dirfd, file_name, MANIFEST_MAX, &j, e);

	if (rc)
		return rc;
	rc = manifest_from_json(j, ret, e);
	json_decref(j);
	return rc;
}

int manifest_save(int dirfd, const struct manifest *m, struct err *e)
{
	json_t *j = manifest_to_json(m);
	int rc = json_write_file(dirfd, file_name, 0600, j, e);

	json_decref(j);
	return rc;
}

void manifest_copy(const struct manifest *m, struct manifest *ret)
{
	json_t *j = manifest_to_json(m);

	/* What we wrote we can read: a failure here is our own mistake. */
	if (manifest_from_json(j, ret, NULL))
		abort();
	json_decref(j);
}
