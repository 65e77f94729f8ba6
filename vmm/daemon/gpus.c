/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/gpus.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "store/manifest.h"

enum { SHOWN = 64, PRODUCT_SIZE = 12 };

static bool has_text(const json_t *list, const char *text)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (str_equal(json_string_value(json_array_get(list, i)), text))
			return true;
	}
	return false;
}

static bool has_slot(const json_t *list, const struct host_gpu *g)
{
	char text[PCI_SLOT_SIZE];
	struct pci_slot s;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (pci_slot_parse(json_string_value(json_array_get(list, i)), &s))
			continue; /* the configuration was checked */
		pci_slot_text(&s, text);
		if (str_equal(text, g->slot))
			return true;
	}
	return false;
}

/* A display is somebody's screen: it is offered only by name. */
static bool is_offered(const struct config *c, const struct host_gpu *g)
{
	char product[PRODUCT_SIZE];

	(void)str_format(product, sizeof(product), "%04x:%04x", g->vendor, g->product);
	if (has_slot(c->gpu_exclude, g))
		return false;
	if (has_slot(c->gpu_include, g) || g->is_bridge)
		return true;
	if (json_array_size(c->gpu_listing))
		return has_text(c->gpu_listing, product);
	return !g->is_display;
}

int gpus_offered(const struct config *c, const char *sysfs, struct gpus_offered *ret, struct err *e)
{
	struct gpus_offered all = { .n = 0 };
	size_t i;
	int rc = host_gpus_read(sysfs, all.items, &all.n, e);

	ret->n = 0;
	for (i = 0; rc == 0 && i < all.n; i++) {
		if (is_offered(c, &all.items[i]))
			ret->items[ret->n++] = all.items[i];
	}
	return rc;
}

static const struct host_gpu *find(const struct gpus_offered *all, const char *slot)
{
	char text[PCI_SLOT_SIZE];
	struct pci_slot s;
	size_t i;

	if (pci_slot_parse(slot, &s))
		return NULL;
	pci_slot_text(&s, text);
	for (i = 0; i < all->n; i++) {
		if (str_equal(all->items[i].slot, text))
			return &all->items[i];
	}
	return NULL;
}

static bool list_has(const struct manifest_list *l, const char *slot)
{
	struct pci_slot a, b;
	size_t i;

	if (pci_slot_parse(slot, &a))
		return false;
	for (i = 0; i < l->n; i++) {
		if (pci_slot_parse(l->items[i], &b) == 0 && a.domain == b.domain &&
		    a.bus == b.bus && a.slot == b.slot && a.function == b.function)
			return true;
	}
	return false;
}

static const struct vm *owner_of(const struct daemon *d, const struct vm *self, const char *slot)
{
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (vm != self && (list_has(&vm->manifest.gpus, slot) ||
				   list_has(&vm->manifest.gpu_bridges, slot)))
			return vm;
	}
	return NULL;
}

static int check_owner(const struct daemon *d, const struct vm *self, const char *slot,
		       struct err *e)
{
	const struct vm *vm = owner_of(d, self, slot);

	if (!vm)
		return 0;
	return err_set(e, ERR_CONFLICT, "GPU %s is given to VM '%s' (%s)", slot, vm->manifest.name,
		       vm->manifest.id);
}

int gpus_check_free(const struct daemon *d, const struct vm *self, const struct manifest *m,
		    struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < m->gpus.n; i++)
		rc = check_owner(d, self, m->gpus.items[i], e);
	for (i = 0; rc == 0 && i < m->gpu_bridges.n; i++)
		rc = check_owner(d, self, m->gpu_bridges.items[i], e);
	return rc;
}

/* Bound to vfio-pci, or to nothing, so that it can be. */
static int check_usable(const struct host_gpu *g, struct err *e)
{
	if (!g->has_iommu) {
		return err_set(
			e, ERR_MISSING,
			"GPU %s cannot be given to a VM: the host has no IOMMU for it; boot with "
			"intel_iommu=on",
			g->slot);
	}
	if (*g->driver && !str_equal(g->driver, "vfio-pci")) {
		return err_set(e, ERR_MISSING,
			       "GPU %s is in use by the host's driver %s; bind it to vfio-pci, for "
			       "instance with driverctl set-override",
			       g->slot, g->driver);
	}
	return 0;
}

bool gpus_is_free(const struct daemon *d, const struct host_gpu *g)
{
	return check_usable(g, NULL) == 0 && !owner_of(d, NULL, g->slot);
}

static int add(const struct daemon *d, const struct vm *self, const struct host_gpu *g,
	       struct manifest *m, struct err *e)
{
	int rc = check_usable(g, e);

	if (rc == 0)
		rc = check_owner(d, self, g->slot, e);
	if (rc == 0 && m->gpus.n + m->gpu_bridges.n >= DOMAIN_GPUS_MAX)
		rc = err_set(e, ERR_LIMIT, "more than %d GPUs and bridges", DOMAIN_GPUS_MAX);
	if (rc == 0)
		rc = manifest_list_add(g->is_bridge ? &m->gpu_bridges : &m->gpus, g->slot, e);
	return rc;
}

static int add_listed(const struct daemon *d, const struct vm *self, const struct gpus_offered *all,
		      const char *slot, struct manifest *m, struct err *e)
{
	const struct host_gpu *g = find(all, slot);
	char shown[SHOWN];
	struct pci_slot s;

	(void)str_escape(shown, sizeof(shown), slot, strlen(slot));
	if (pci_slot_parse(slot, &s))
		return err_set(e, ERR_INPUT, "Invalid GPU slot: %s; write one like 18:00.0", shown);
	if (!g) {
		return err_set(
			e, ERR_NOT_FOUND,
			"GPU %s: this host offers none there; ListGpus shows those that it does",
			shown);
	}
	if (list_has(&m->gpus, slot) || list_has(&m->gpu_bridges, slot))
		return err_set(e, ERR_INPUT, "GPU %s is listed twice", shown);
	return add(d, self, g, m, e);
}

static int choose_all(const struct daemon *d, const struct vm *self, const struct gpus_offered *all,
		      struct manifest *m, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < all->n; i++)
		rc = add(d, self, &all->items[i], m, e);
	if (rc == 0 && m->gpus.n == 0)
		rc = err_set(e, ERR_MISSING, "this host has no GPU to attach");
	return rc;
}

static int check_mode(const struct daemon *d, const Bailey__Vmm__GpuConfig *g, struct err *e)
{
	bool is_all = str_equal(g->attach_mode, "all");
	char shown[SHOWN];

	if (!is_all && !str_equal(g->attach_mode, "listed")) {
		return err_set(
			e, ERR_INPUT, "Invalid GPU attach mode: %s",
			str_escape(shown, sizeof(shown), g->attach_mode, strlen(g->attach_mode)));
	}
	if (!d->config->gpu_enabled && (is_all || g->n_gpus))
		return err_set(e, ERR_MISSING, "GPU is not enabled");
	if (is_all && !d->config->gpu_allow_all)
		return err_set(e, ERR_MISSING, "Attaching all GPUs is not allowed");
	return 0;
}

int gpus_choose(const struct daemon *d, const struct vm *self, const Bailey__Vmm__GpuConfig *g,
		struct manifest *m, struct err *e)
{
	auto_free struct gpus_offered *all = xnew(struct gpus_offered);
	size_t i;
	int rc;

	m->gpu_attach_mode = xstrdup("listed");
	if (!g)
		return 0;
	rc = check_mode(d, g, e);
	if (rc < 0 || (!g->n_gpus && str_equal(g->attach_mode, "listed")))
		return rc;
	rc = gpus_offered(d->config, d->sysfs, all, e);
	if (rc < 0)
		return rc;
	if (str_equal(g->attach_mode, "all")) {
		free(m->gpu_attach_mode);
		m->gpu_attach_mode = xstrdup("all");
		return choose_all(d, self, all, m, e);
	}
	for (i = 0; rc == 0 && i < g->n_gpus; i++)
		rc = add_listed(d, self, all, g->gpus[i]->slot, m, e);
	return rc;
}

static int take(const struct gpus_offered *all, const char *slot, struct hardware *h, struct err *e)
{
	const struct host_gpu *g = find(all, slot);
	int rc;

	if (!g)
		return err_set(e, ERR_NOT_FOUND, "GPU %s is not there, or not offered any more",
			       slot);
	rc = check_usable(g, e);
	if (rc < 0 || h->n_gpus == DOMAIN_GPUS_MAX)
		return rc < 0 ? rc : err_set(e, ERR_LIMIT, "more than %d GPUs", DOMAIN_GPUS_MAX);
	h->gpus[h->n_gpus++] = (struct domain_gpu){ .domain = g->at.domain,
						    .bus = g->at.bus,
						    .slot = g->at.slot,
						    .function = g->at.function,
						    .node = g->node,
						    .is_bound = *g->driver != 0 };
	return 0;
}

/* Bridges without GPUs are not attached. */
static int find_gpus(const struct config *c, const char *sysfs, const struct manifest *m,
		     struct hardware *h, struct err *e)
{
	auto_free struct gpus_offered *all = xnew(struct gpus_offered);
	size_t i;
	int rc;

	if (m->gpus.n == 0)
		return 0;
	if (!c->gpu_enabled)
		return err_set(e, ERR_MISSING, "GPU is not enabled (gpu.enabled)");
	rc = gpus_offered(c, sysfs, all, e);
	for (i = 0; rc == 0 && i < m->gpus.n; i++)
		rc = take(all, m->gpus.items[i], h, e);
	for (i = 0; rc == 0 && i < m->gpu_bridges.n; i++)
		rc = take(all, m->gpu_bridges.items[i], h, e);
	h->n_bridges = m->gpu_bridges.n;
	return rc;
}

/* Keep @h's nodes in order and each once. */
static int add_node(struct hardware *h, unsigned int node, struct err *e)
{
	size_t i = 0, j;

	while (i < h->n_nodes && h->nodes[i] < node)
		i++;
	if (i < h->n_nodes && h->nodes[i] == node)
		return 0;
	if (h->n_nodes == DOMAIN_NODES_MAX)
		return err_set(e, ERR_LIMIT, "GPUs on more than %d NUMA nodes", DOMAIN_NODES_MAX);
	for (j = h->n_nodes++; j > i; j--)
		h->nodes[j] = h->nodes[j - 1];
	h->nodes[i] = node;
	return 0;
}

static int find_nodes(const struct manifest *m, struct hardware *h, struct err *e)
{
	size_t i;
	int rc = 0;

	if (!m->hugepages)
		return 0;
	for (i = 0; rc == 0 && i + h->n_bridges < h->n_gpus; i++)
		rc = add_node(h, h->gpus[i].node, e);
	if (rc == 0 && h->n_nodes == 0)
		rc = add_node(h, 0, e);
	if (rc == 0 && m->vcpu % h->n_nodes != 0) {
		rc = err_set(e, ERR_INPUT,
			     "vcpu: %u cannot be shared by %zu NUMA nodes; write a multiple of %zu",
			     m->vcpu, h->n_nodes, h->n_nodes);
	}
	if (rc == 0 && m->memory % (1024 * h->n_nodes) != 0) {
		rc = err_set(
			e, ERR_INPUT,
			"memory: %u MiB; with hugepages on %zu NUMA nodes write a multiple of %zu",
			m->memory, h->n_nodes, 1024 * h->n_nodes);
	}
	return rc;
}

int hardware_check(const struct config *c, const char *sysfs, const struct manifest *m,
		   struct err *e)
{
	struct hardware h = { .n_gpus = 0 };
	int rc = find_gpus(c, sysfs, m, &h, e);

	if (rc == 0)
		rc = find_nodes(m, &h, e);
	if (rc == 0 && m->pin_numa)
		rc = host_node_cpus(sysfs, h.n_gpus ? h.gpus[0].node : 0, h.cpuset, e);
	return rc;
}

int hardware_find(const struct config *c, const char *sysfs, const struct manifest *m,
		  struct hardware *ret, struct err *e)
{
	struct hardware h = { .n_gpus = 0 };
	int rc = find_gpus(c, sysfs, m, &h, e);

	if (rc == 0)
		rc = find_nodes(m, &h, e);
	if (rc == 0 && m->hugepages)
		rc = host_hugepage_size(sysfs, h.nodes, h.n_nodes, m->memory / h.n_nodes,
					&h.hugepage_kib, e);
	if (rc == 0 && m->pin_numa)
		rc = host_node_cpus(sysfs, h.n_gpus ? h.gpus[0].node : 0, h.cpuset, e);
	if (rc == 0)
		*ret = h;
	return rc;
}
