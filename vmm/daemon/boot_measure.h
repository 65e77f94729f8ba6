/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_measure: what the VM that is about to start would measure, and who its QEMU is
 *
 * Thread   a worker's: files are hashed and a QEMU is asked (its answers are kept in <state>/cache/acpi).
 */
#pragma once

#include "measure/acpi_oracle.h"
#include "tee/measurement.h"

struct err;
struct start_plan;

/**
 * boot_measure() - the registers of a machine as @vm_config describes it, with the image of @p
 * @vm_config: the text that verifiers get, too
 *
 * Return: 0; ERR_MISSING, ERR_INPUT: it cannot be told, and the text says why; ERR_HYPERVISOR.
 */
int boot_measure(const struct start_plan *p, const char *vm_config, struct measurement *ret,
		 struct err *e);

/*
 * Hold the image's own measurement, where it has one, to its files.
 * Return: 0; ERR_CORRUPT with the register or the part that differs.
 */
int boot_check_published(const struct start_plan *p, struct err *e);

/*
 * Hold QEMU and its tables for this machine to those that were recorded in the VM's folder, and record them if there
 * is no record, or one of another machine (an update made it larger).
 * Return: 0; ERR_CONFLICT: a drift, with what drifted and the way on; others as above.
 */
int boot_check_drift(const struct start_plan *p, const char *vm_config, struct err *e);

/* Forget what was recorded: the next start records what it finds.  Return: 0 or an errno. */
int boot_forget_record(int dirfd, struct err *e);
