/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/host_probe.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* What libvirt writes, shortened; launchSecurity as 11.10 has it. */
#define CAPS(security)                                                                             \
	"<domainCapabilities>\n  <path>/usr/bin/qemu-system-x86_64</path>\n  "                     \
	"<domain>kvm</domain>\n"                                                                   \
	"  <machine>pc-q35-10.1</machine>\n  <features>\n    <gic supported='no'/>\n" security     \
	"  </features>\n</domainCapabilities>\n"

static struct host_caps read_caps(const char *xml)
{
	struct host_caps caps = { .tdx = HOST_TDX_NONE };

	assert(host_probe_read_caps(xml, &caps, NULL) == 0);
	return caps;
}

static void test_emulator_and_machine_are_read(void)
{
	struct host_caps caps = read_caps(CAPS(""));

	assert(str_equal(caps.emulator, "/usr/bin/qemu-system-x86_64"));
	assert(str_equal(caps.machine, "pc-q35-10.1"));
	assert(caps.tdx == HOST_TDX_NONE);
}

static void test_tdx_is_what_the_capabilities_say(void)
{
	assert(read_caps(CAPS("<launchSecurity supported='yes'><enum "
			      "name='sectype'><value>sev</value>"
			      "<value>tdx</value></enum></launchSecurity>"))
		       .tdx == HOST_TDX_LIBVIRT);
	assert(read_caps(CAPS("<launchSecurity supported='yes'><enum "
			      "name='sectype'><value>sev</value></enum>"
			      "</launchSecurity>"))
		       .tdx == HOST_TDX_NONE);
	assert(read_caps(CAPS("<launchSecurity supported='no'><enum "
			      "name='sectype'><value>tdx</value></enum>"
			      "</launchSecurity>"))
		       .tdx == HOST_TDX_NONE);
	assert(read_caps(CAPS("<launchSecurity supported='yes'><enum "
			      "name='other'><value>tdx</value></enum>"
			      "</launchSecurity>"))
		       .tdx == HOST_TDX_NONE);
	assert(read_caps(CAPS("<sev supported='yes'><enum "
			      "name='sectype'><value>tdx</value></enum></sev>"))
		       .tdx == HOST_TDX_NONE);
}

static void test_unreadable_capabilities_are_refused(void)
{
	struct host_caps caps = { .has_kvm = false };

	assert(host_probe_read_caps("", &caps, NULL) == ERR_HYPERVISOR);
	assert(host_probe_read_caps("<domainCapabilities/>", &caps, NULL) == ERR_HYPERVISOR);
	assert(host_probe_read_caps("<domainCapabilities><path>/q</path></domainCapabilities>",
				    &caps, NULL) == ERR_HYPERVISOR);
}

static void test_confinement_is_what_is_not_dac(void)
{
	struct host_caps caps = { .has_kvm = false };

	assert(host_probe_read_models("<capabilities><host><secmodel><model>dac</model><doi>0</"
				      "doi></secmodel></host>"
				      "</capabilities>",
				      &caps, NULL) == 0);
	assert(str_equal(caps.confinement, ""));
	assert(host_probe_read_models(
		       "<capabilities><host><secmodel><model>apparmor</model></secmodel><secmodel>"
		       "<model>dac</model></secmodel></host></capabilities>",
		       &caps, NULL) == 0);
	assert(str_equal(caps.confinement, "apparmor"));
	assert(host_probe_read_models("<x", &caps, NULL) == ERR_HYPERVISOR);
}

static void test_versions_are_three_integers(void)
{
	static const struct {
		const char *text, *version; /* NULL: refused */
	} rows[] = {
		{ "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright",
		  "7.2.22" },
		{ "QEMU emulator version 10.1.0+ds\n", "10.1.0" },
		{ "QEMU emulator version 9.0.0-rc1", "9.0.0" },
		{ "QEMU emulator version 9.0", NULL },
		{ "QEMU emulator version 9..0", NULL },
		{ "QEMU emulator version 99999.0.0", NULL },
		{ "version ", NULL },
		{ "", NULL },
	};
	struct host_caps caps = { .emulator = "/q" };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].version) {
			assert(host_probe_read_version(rows[i].text, &caps, &e) == 0);
			assert(str_equal(caps.qemu_version, rows[i].version));
		} else {
			assert(host_probe_read_version(rows[i].text, &caps, &e) == ERR_HYPERVISOR);
			assert(strstr(e.text, "/q"));
		}
	}
}

static void test_what_tdx_lacks_is_listed(void)
{
	struct host_caps caps = { .qemu_version = "7.2.22" };

	host_probe_explain_tdx(&caps);
	assert(strstr(caps.tdx_why, "KVM") && strstr(caps.tdx_why, "kernel") &&
	       strstr(caps.tdx_why, "QEMU 7.2.22"));
	caps.has_kvm = caps.has_kernel_tdx = true;
	host_probe_explain_tdx(&caps);
	assert(str_equal(caps.tdx_why, "QEMU 7.2.22 has no tdx-guest (10.1 has)"));
	caps.tdx = HOST_TDX_COMMANDLINE;
	host_probe_explain_tdx(&caps);
	assert(str_equal(caps.tdx_why, ""));
}

int main(void)
{
	test_emulator_and_machine_are_read();
	test_tdx_is_what_the_capabilities_say();
	test_unreadable_capabilities_are_refused();
	test_confinement_is_what_is_not_dac();
	test_versions_are_three_integers();
	test_what_tdx_lacks_is_listed();
	return 0;
}
