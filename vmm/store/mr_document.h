/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mr_document: what a guest is bound to by MrConfig V3, as text
 *
 * Pure.  The bytes that are hashed are those that the guest is given; they are never made twice.
 *
 * Wire     RFC 8785 JSON: app_id, compose_hash, gpu_policy_hash (with GPUs), init_script_hashes (from manifest_version 3),
 *	     instance_id, key_provider, key_provider_id, version 3; what is empty is absent.
 */
#pragma once

#include <stdbool.h>

#include "crypto/digest.h"
#include "data/instance_info.h"

struct app_compose;
struct err;

enum { MR_DOCUMENT_ID_SIZE = 20 };

/* All borrowed. */
struct mr_document_args {
	const struct app_compose *compose;
	struct digest256 compose_hash;	      /* of its file's bytes */
	const struct instance_info *instance; /* of mr_document_instance() */
	bool has_gpus;
};

/**
 * mr_document_instance() - the ids of a VM that is about to start with V3
 * @info: as .instance_info has it, all empty without; brought up to date
 * @seed: MR_DOCUMENT_ID_SIZE random bytes, taken where the seed must be new: without keys, or with none so far
 *
 * Return: 0; ERR_INPUT: the app's id does not have 20 bytes.
 */
int mr_document_instance(const struct app_compose *c, const struct digest256 *compose_hash,
			 const uint8_t seed[static MR_DOCUMENT_ID_SIZE], struct instance_info *info,
			 struct err *e);

/* The document.  The caller frees.  Return: 0; ERR_INPUT: a policy that has no canonical form. */
int mr_document(const struct mr_document_args *args, char **ret, struct err *e);
