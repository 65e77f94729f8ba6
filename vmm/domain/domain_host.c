/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a domain that come from one place of the host: huge pages and CPUs of NUMA nodes, and PCI devices.
 *
 * Guest node i is host node nodes[i].  With huge pages each guest node has an equal share of vCPUs and memory, bound
 * to its host node.  PCI devices are behind root ports of their own, numbered from chassis 1, GPUs first, then
 * bridges; with huge pages the root ports of GPUs are on an expander bus of their node, from slot 0x10 of
 * pcie.0 and bus number 5 on, as in dstack's command line.  An expander without a GPU behind it is left out: those
 * who compute the measurements do not know it.
 */
#include "domain/domain_parts.h"

#include "base/err.h"
#include "base/str.h"

enum { EXPANDER_BUS = 5 };

static bool has_huge(const struct domain_spec *s)
{
	return s->n_nodes > 0;
}

bool domain_has_expanders(const struct domain_spec *s)
{
	return has_huge(s) && s->n_gpus > s->n_bridges;
}

static size_t n_real_gpus(const struct domain_spec *s)
{
	return s->n_gpus - s->n_bridges;
}

size_t domain_root_ports(const struct domain_spec *s)
{
	return domain_has_expanders(s) ? s->n_bridges : s->n_gpus;
}

void domain_memory(struct xml_out *o, const struct domain_spec *s)
{
	xml_putf(o, "  <memory unit='KiB'>%llu</memory>\n", s->memory_mib * 1024ULL);
	if (has_huge(s) || s->vsock == DOMAIN_VSOCK_VHOST_USER) {
		xml_putf(o, "  <memoryBacking>\n");
		if (has_huge(s)) {
			xml_putf(o,
				 "    <hugepages>\n      <page size='%u' unit='KiB'/>\n    "
				 "</hugepages>\n",
				 s->hugepage_kib);
		}
		/* shared: the vsock device's process maps it */
		xml_putf(o, "    <source type='memfd'/>\n    <access mode='shared'/>\n");
		if (has_huge(s))
			xml_putf(o, "    <allocation mode='immediate'/>\n");
		xml_putf(o, "  </memoryBacking>\n");
	}
	if (s->cpuset)
		xml_say(o, "  <vcpu placement='static' cpuset='@'>", s->cpuset);
	else
		xml_putf(o, "  <vcpu placement='static'>");
	xml_putf(o, "%u</vcpu>\n", s->vcpus);
}

void domain_numatune(struct xml_out *o, const struct domain_spec *s)
{
	size_t i;

	if (!has_huge(s))
		return;
	xml_putf(o, "  <numatune>\n");
	for (i = 0; i < s->n_nodes; i++)
		xml_putf(o, "    <memnode cellid='%zu' mode='strict' nodeset='%u'/>\n", i,
			 s->nodes[i]);
	xml_putf(o, "  </numatune>\n");
}

void domain_cells(struct xml_out *o, const struct domain_spec *s)
{
	unsigned int n = (unsigned int)s->n_nodes, vcpus = n ? s->vcpus / n : 0, i;
	char cpus[32];

	if (!n)
		return;
	xml_putf(o, "    <numa>\n");
	for (i = 0; i < n; i++) {
		(void)str_format(cpus, sizeof(cpus), vcpus > 1 ? "%u-%u" : "%u", i * vcpus,
				 (i + 1) * vcpus - 1);
		xml_putf(o,
			 "      <cell id='%u' cpus='%s' memory='%llu' unit='KiB' "
			 "memAccess='shared'/>\n",
			 i, cpus, s->memory_mib / n * 1024ULL);
	}
	xml_putf(o, "    </numa>\n");
}

/* Which guest node is on host node @node?  domain_check() has seen that one is. */
static unsigned int cell_of(const struct domain_spec *s, unsigned int node)
{
	unsigned int i = 0;

	while (i + 1 < s->n_nodes && s->nodes[i] != node)
		i++;
	return i;
}

static void put_address(struct xml_out *o, unsigned int bus, unsigned int slot)
{
	xml_putf(o,
		 "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02x' "
		 "function='0x0'/>\n",
		 bus, slot);
}

static void put_expanders(struct xml_out *o, const struct domain_spec *s)
{
	unsigned int bus = EXPANDER_BUS, i;
	size_t g;

	for (i = 0; i < s->n_nodes; i++) {
		xml_putf(o,
			 "    <controller type='pci' index='%u' model='pcie-expander-bus'>\n"
			 "      <target busNr='%u'>\n        <node>%u</node>\n      </target>\n",
			 1 + i, bus, i);
		put_address(o, 0, DOMAIN_SLOT_EXPANDERS + i);
		xml_putf(o, "    </controller>\n");
		for (bus++, g = 0; g < n_real_gpus(s); g++)
			bus += s->gpus[g].node == s->nodes[i];
	}
}

static void put_root_port(struct xml_out *o, unsigned int index, size_t chassis, unsigned int bus,
			  unsigned int slot)
{
	xml_putf(o,
		 "    <controller type='pci' index='%u' model='pcie-root-port'>\n"
		 "      <target chassis='%zu' port='0x0'/>\n",
		 index, chassis);
	put_address(o, bus, slot);
	xml_putf(o, "    </controller>\n");
}

/* The root port of device @i; @used counts the slots taken on each expander. */
static void put_port_of(struct xml_out *o, const struct domain_spec *s, size_t i,
			unsigned int first_index, unsigned int *slot, unsigned int *used)
{
	bool is_behind = domain_has_expanders(s) && i < n_real_gpus(s);
	unsigned int cell = is_behind ? cell_of(s, s->gpus[i].node) : 0;

	put_root_port(o, first_index + (unsigned int)i, i + 1, is_behind ? 1 + cell : 0,
		      is_behind ? used[cell]++ : (*slot)++);
}

static unsigned int first_port(const struct domain_spec *s)
{
	return 1 + (domain_has_expanders(s) ? (unsigned int)s->n_nodes : 0);
}

void domain_ports(struct xml_out *o, const struct domain_spec *s, const struct domain_slots *at)
{
	unsigned int used[DOMAIN_NODES_MAX] = { 0 }, slot = at->root_ports;
	size_t i;

	if (domain_has_expanders(s))
		put_expanders(o, s);
	for (i = 0; i < s->n_gpus; i++)
		put_port_of(o, s, i, first_port(s), &slot, used);
}

/* managed: libvirt binds a device that has no driver to vfio-pci, and lets go of it after. */
void domain_hostdevs(struct xml_out *o, const struct domain_spec *s)
{
	const struct domain_gpu *g;
	size_t i;

	for (i = 0; i < s->n_gpus; i++) {
		g = &s->gpus[i];
		xml_putf(o,
			 "    <hostdev mode='subsystem' type='pci' managed='%s'>\n"
			 "      <driver name='vfio'/>\n      <source>\n"
			 "        <address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
			 "function='0x%x'/>\n"
			 "      </source>\n",
			 g->is_bound ? "no" : "yes", g->domain, g->bus, g->slot, g->function);
		put_address(o, first_port(s) + (unsigned int)i, 0);
		xml_putf(o, "    </hostdev>\n");
	}
}

static int check_huge(const struct domain_spec *s, struct err *e)
{
	size_t i;

	if (s->n_nodes > DOMAIN_NODES_MAX)
		return err_set(e, ERR_INPUT, "%zu NUMA nodes; at most %d", s->n_nodes,
			       DOMAIN_NODES_MAX);
	if (s->vcpus % s->n_nodes != 0) {
		return err_set(e, ERR_INPUT,
			       "vcpu: %u cannot be shared by the %zu NUMA nodes of the VM's GPUs; "
			       "write a multiple of %zu",
			       s->vcpus, s->n_nodes, s->n_nodes);
	}
	if (s->memory_mib % (1024 * s->n_nodes) != 0) {
		return err_set(
			e, ERR_INPUT,
			"memory: %u MiB; with hugepages on %zu NUMA nodes write a multiple of %zu "
			"MiB",
			s->memory_mib, s->n_nodes, 1024 * s->n_nodes);
	}
	if (!s->hugepage_kib)
		return err_set(e, ERR_INPUT, "huge pages of no size");
	for (i = 1; i < s->n_nodes; i++) {
		if (s->nodes[i] <= s->nodes[i - 1])
			return err_set(e, ERR_INPUT, "NUMA nodes out of order");
	}
	return 0;
}

int domain_check_host(const struct domain_spec *s, struct err *e)
{
	int rc = has_huge(s) ? check_huge(s, e) : 0;
	size_t i;

	if (rc < 0)
		return rc;
	if (s->n_gpus > DOMAIN_GPUS_MAX || s->n_bridges > s->n_gpus)
		return err_set(e, ERR_INPUT, "%zu PCI devices of the host; at most %d", s->n_gpus,
			       DOMAIN_GPUS_MAX);
	for (i = 0; domain_has_expanders(s) && i < n_real_gpus(s); i++) {
		if (s->nodes[cell_of(s, s->gpus[i].node)] != s->gpus[i].node) {
			return err_set(e, ERR_INPUT,
				       "a GPU on NUMA node %u, which the VM does not have",
				       s->gpus[i].node);
		}
	}
	return 0;
}
