/* SPDX-License-Identifier: Apache-2.0 */
/* version: which Bailey this is, and which level of dstack's wire formats it speaks */
#pragma once

#define BAILEY_VERSION "0.1.0"
#define DSTACK_VERSION "0.6.0" /* answered where dstack's clients probe for a version */
