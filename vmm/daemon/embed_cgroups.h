/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed_cgroups: control groups that libvirt's embedded driver had half made when the daemon was killed
 *
 * libvirt makes a group, then gives it CPUs and memory nodes.  Killed in between, it leaves one without; the next start of
 * that VM finds it, believes it to be complete, and QEMU cannot enter it ("No space left on device").
 *
 * Trusts   the kernel: a group that has processes is not removed by rmdir().
 * Thread   any.
 */
#pragma once

/* Remove what is left for the VM @id below @root ("/sys/fs/cgroup").  It must not run. */
void embed_cgroups_sweep(const char *root, const char *id);
