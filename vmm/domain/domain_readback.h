/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_readback: does libvirt have the domain that it was given?
 *
 * libvirt drops elements that it does not know, and adds devices that were not asked for.  Either changes what is
 * measured, so either is an error.
 */
#pragma once

struct err;

/*
 * Everything of @sent is in @got, and @got has no PCI device beyond those of @sent and the chipset's own.
 * Return: 0; ERR_HYPERVISOR naming the first difference; ERR_INPUT if one is not XML.
 */
int domain_readback(const char *sent, const char *got, struct err *e);
