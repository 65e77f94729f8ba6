/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments that libvirt hands to QEMU as they are:
 *
 * - user networking with forwards, which libvirt has no words for;
 * - the serial port, because libvirt makes an "-device isa-serial", which turns the order of the ISA devices in
 *   the DSDT around;
 * - vhost-user-vsock, which libvirt does not know;
 * - TDX, where QEMU is ahead of libvirt.
 *
 * A comma in a value of QEMU's option syntax is written twice.
 */
#include "domain/domain_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

enum { ARG_MAX_BYTES = 64 * 1024 };

/* One argument being put together; like xml_out, the first failure sticks. */
struct arg {
	struct buf b;
	int rc;
};

#define ARG_NEW ((struct arg){ .b = BUF_MAX(ARG_MAX_BYTES) })

/* Text and numbers of our own. */
__attribute__((format(printf, 2, 3))) static void add(struct arg *a, const char *fmt, ...)
{
	char text[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(text));
	if (a->rc == 0)
		a->rc = buf_add(&a->b, text, (size_t)n);
}

/* @before, then @value with its commas doubled. */
static void add_value(struct arg *a, const char *before, const char *value)
{
	add(a, "%s", before);
	for (; *value && a->rc == 0; value++) {
		a->rc = buf_add(&a->b, value, 1);
		if (a->rc == 0 && *value == ',')
			a->rc = buf_add(&a->b, ",", 1);
	}
}

/* Write @option and the argument, and let go of it. */
static void put(struct xml_out *o, const char *option, struct arg *a)
{
	if (o->rc == 0)
		o->rc = a->rc;
	if (o->rc == 0)
		xml_say(o, "    <qemu:arg value='@'/>\n    <qemu:arg value='@'/>\n", option,
			(const char *)a->b.p);
	buf_deinit(&a->b);
}

static void put_text(struct xml_out *o, const char *option, const char *text)
{
	xml_say(o, "    <qemu:arg value='@'/>\n    <qemu:arg value='@'/>\n", option, text);
}

static void put_serial(struct xml_out *o, const struct domain_spec *s)
{
	struct arg a = ARG_NEW;

	add(&a, "%s,id=com0", s->serial_pty ? "pty" : "null");
	if (s->serial_pty)
		add_value(&a, ",path=", s->serial_pty);
	add_value(&a, ",logfile=", s->serial_log);
	add(&a, ",logappend=on");
	put(o, "-chardev", &a);
	put_text(o, "-serial", "chardev:com0");
}

static void add_forward(struct arg *a, const struct domain_port *p)
{
	add_value(a, p->is_udp ? ",hostfwd=udp:" : ",hostfwd=tcp:", p->address);
	add(a, ":%u-:%u", p->host, p->guest);
}

static void put_nic(struct xml_out *o, const struct domain_spec *s, size_t i, unsigned int slot)
{
	const struct domain_nic *n = &s->nics[i];
	struct arg net = ARG_NEW, dev = ARG_NEW;
	size_t j;

	add(&net, "user,id=net%u", (unsigned int)i);
	if (n->net)
		add_value(&net, ",net=", n->net);
	if (n->dhcp_start)
		add_value(&net, ",dhcpstart=", n->dhcp_start);
	add(&net, ",restrict=%s", n->is_restricted ? "yes" : "no");
	for (j = 0; j < n->n_ports; j++)
		add_forward(&net, &n->ports[j]);
	put(o, "-netdev", &net);

	add(&dev, "virtio-net-pci,netdev=net%u", (unsigned int)i);
	add_value(&dev, ",mac=", n->mac);
	add(&dev, ",bus=pcie.0,addr=0x%x", slot);
	/* A boot ROM is no use to a direct boot and costs SeaBIOS time.  Firmware of a TEE is given what dstack gives. */
	if (s->tee != DOMAIN_TEE_TDX)
		add(&dev, ",romfile=");
	put(o, "-device", &dev);
}

static void put_vhost_user_vsock(struct xml_out *o, const struct domain_spec *s, unsigned int slot)
{
	struct arg sock = ARG_NEW, dev = ARG_NEW;

	add_value(&sock, "socket,id=vsock0,path=", s->vhost_socket);
	put(o, "-chardev", &sock);
	add(&dev, "vhost-user-vsock-pci,chardev=vsock0,bus=pcie.0,addr=0x%x", slot);
	put(o, "-device", &dev);
}

/* @s as a JSON string; domain_check() has seen that it holds no control characters. */
static void add_json(struct arg *a, const char *s)
{
	add(a, "\"");
	for (; *s && a->rc == 0; s++) {
		if (*s == '"' || *s == '\\')
			add(a, "\\");
		if (a->rc == 0)
			a->rc = buf_add(&a->b, s, 1);
	}
	add(a, "\"");
}

static void put_tdx(struct xml_out *o, const struct domain_spec *s)
{
	struct arg a = ARG_NEW;

	add(&a, "{\"qom-type\":\"tdx-guest\",\"id\":\"tdx\"");
	if (s->mr_config_id) {
		add(&a, ",\"mrconfigid\":");
		add_json(&a, s->mr_config_id);
	}
	if (s->qgs_path) {
		add(&a, ",\"quote-generation-socket\":{\"type\":\"unix\",\"path\":");
		add_json(&a, s->qgs_path);
		add(&a, "}");
	} else if (s->qgs_port) {
		add(&a,
		    ",\"quote-generation-socket\":{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"%"
		    "u\"}",
		    s->qgs_port);
	}
	add(&a, "}");
	put(o, "-object", &a);
	put_text(o, "-machine", "confidential-guest-support=tdx");
}

/*
 * When a guest starts, libvirt asks QEMU for each of its CPU's some 400 properties, one message each: a quarter
 * of a second in which nothing runs.  Told that QEMU lacks "unavailable-features", it reads all at once, as it
 * did with older ones.  QEMU's arguments are the same; what libvirt learns this way we do not use.
 */
static void put_quick_cpu(struct xml_out *o)
{
	xml_putf(o, "  <qemu:capabilities>\n"
		    "    <qemu:del capability='cpu-unavailable-features'/>\n"
		    "  </qemu:capabilities>\n");
}

void domain_args(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		 const struct domain_slots *at)
{
	size_t i;

	xml_putf(o, "  <qemu:commandline>\n");
	put_serial(o, s);
	if (s->hotplug_off)
		put_text(o, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
	for (i = 0; i < s->n_nics; i++)
		put_nic(o, s, i, at->nics + (unsigned int)i);
	if (s->vsock == DOMAIN_VSOCK_VHOST_USER)
		put_vhost_user_vsock(o, s, at->vsock);
	if (domain_tdx_by_args(s, caps))
		put_tdx(o, s);
	xml_putf(o, "  </qemu:commandline>\n");
	if (caps->reads_cpu_at_once)
		put_quick_cpu(o);
}
