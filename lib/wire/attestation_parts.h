/* SPDX-License-Identifier: Apache-2.0 */
/* attestation_parts: what the two forms of attestation.h share; for its own files only */
#pragma once

#include "wire/attestation.h"

struct buf;
struct rd;

/* Words and the number of V1. */
#define ATTESTATION_KIND_TDX	"tdx"
#define ATTESTATION_KIND_POD	"dstack-pod"
#define ATTESTATION_KIND_DSTACK "dstack"
enum { ATTESTATION_V1_NUMBER = 1 };

/* Are sizes, numbers and texts within their limits? */
enum attestation_verdict attestation_check_event(const struct attestation_event *ev);
enum attestation_verdict attestation_check_runtime(const struct attestation_runtime *ev);
enum attestation_verdict attestation_check_whole(const struct attestation *a);

/* @a is zero but for its arrays, and of form V1. */
enum attestation_verdict attestation_parse_v1(struct rd *r, struct attestation *a);
int attestation_write_v1(const struct attestation *a, struct buf *b);
