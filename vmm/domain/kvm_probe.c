/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child is forked from a threaded process: between fork and _exit it makes system calls and nothing else.
 * Its exit status says how far it came.
 */
#include "domain/kvm_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

enum step {
	STEP_RAN,
	STEP_OPEN,
	STEP_VM,
	STEP_MEMORY,
	STEP_VCPU,
	STEP_REGISTERS,
	STEP_RUN,
	STEP_RESULT,
	STEP_COUNT,
};

static const char *const step_texts[STEP_COUNT] = {
	[STEP_RAN] = "a guest ran",	    [STEP_OPEN] = "/dev/kvm cannot be opened",
	[STEP_VM] = "/dev/kvm makes no VM", [STEP_MEMORY] = "a VM takes no memory",
	[STEP_VCPU] = "a VM takes no vCPU", [STEP_REGISTERS] = "a vCPU takes no registers",
	[STEP_RUN] = "a vCPU does not run", [STEP_RESULT] = "a vCPU ran wrong",
};

enum { GUEST_AT = 0x1000, GUEST_SIZE = 0x1000 };

/* mov $0x2a,%al; add $0x15,%al; mov %al,(0x1800); hlt */
static const unsigned char guest_code[] = { 0xb0, 0x2a, 0x04, 0x15, 0xa2, 0x00, 0x18, 0xf4 };
enum { RESULT_AT = 0x800, RESULT = 0x3f };

static enum step set_registers(int vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return STEP_REGISTERS;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return STEP_REGISTERS;
	memset(&regs, 0, sizeof(regs));
	regs.rip = GUEST_AT;
	regs.rflags = 2;
	return ioctl(vcpu, KVM_SET_REGS, &regs) < 0 ? STEP_REGISTERS : STEP_RAN;
}

static enum step run(int kvm, int vm, const unsigned char *memory)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	const volatile struct kvm_run *state;
	enum step step;

	if (vcpu < 0 || size < (int)sizeof(*state))
		return STEP_VCPU;
	state = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (state == MAP_FAILED)
		return STEP_VCPU;
	step = set_registers(vcpu);
	if (step != STEP_RAN)
		return step;
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return STEP_RUN;
	if (state->exit_reason != KVM_EXIT_HLT || memory[RESULT_AT] != RESULT)
		return STEP_RESULT;
	return STEP_RAN;
}

/* In the child: everything is given back by its end. */
static enum step try_guest(const char *device)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = GUEST_AT,
						      .memory_size = GUEST_SIZE };
	unsigned char *memory;
	int kvm, vm;

	kvm = open(device, O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return STEP_OPEN;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return STEP_VM;
	memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return STEP_MEMORY;
	memcpy(memory, guest_code, sizeof(guest_code));
	region.userspace_addr = (unsigned long long)(__UINTPTR_TYPE__)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return STEP_MEMORY;
	return run(kvm, vm, memory);
}

/* Wait for @pid, or kill it.  Return: its exit status, -1 if it had to be killed or was. */
static int wait_until(pid_t pid, unsigned int timeout_ms)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = 0, n = 0;

	if (fd >= 0) {
		do {
			n = poll(&p, 1, (int)timeout_ms);
		} while (n < 0 && errno == EINTR);
	}
	if (n <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool kvm_probe_device(const char *device, unsigned int timeout_ms, char *why, size_t size)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit((int)try_guest(device));
	if (pid < 0) {
		(void)str_format(why, size, "no process to try it in: %s", err_name(-errno));
		return false;
	}
	status = wait_until(pid, timeout_ms);
	if (status < 0 || status >= STEP_COUNT)
		(void)str_format(why, size, "a guest did not halt within %u ms", timeout_ms);
	else
		(void)str_format(why, size, "%s", step_texts[status]);
	return status == STEP_RAN;
}

/* Do the flags of the first CPU have vmx or svm? */
static bool cpu_virtualises(void)
{
	auto_fclose FILE *f = fopen("/proc/cpuinfo", "re");
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (f && (n = getline(&line, &cap, f)) > 0) {
		if (!str_starts(line, "flags"))
			continue;
		line[n - 1] = ' ';
		return strstr(line, " vmx ") || strstr(line, " svm ");
	}
	return false;
}

bool kvm_probe(char *why, size_t size)
{
	if (!cpu_virtualises()) {
		(void)str_format(why, size, "the CPU has neither vmx nor svm");
		return false;
	}
	return kvm_probe_device("/dev/kvm", KVM_PROBE_MS, why, size);
}
