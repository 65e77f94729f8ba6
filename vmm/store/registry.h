/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry: images in an OCI registry: names, the command lines of skopeo, and what it writes
 *
 * Pure.  skopeo(1) speaks to the registry; nothing here does.
 *
 * Trusts   neither the operator's repository and tag, which become arguments, nor what a registry says.
 * Wire     skopeo's "dir:" layout: manifest.json (OCI or docker schema 2), each blob a file named by its SHA-256.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "store/image.h"

struct err;

enum {
	REGISTRY_REPO_MAX = 255,
	REGISTRY_TAG_MAX = 128,
	REGISTRY_TAGS_MAX = 1000, /* listed; further ones are left out */
	REGISTRY_LIST_MAX = 1024 * 1024,
	REGISTRY_MANIFEST_MAX = 1024 * 1024,
	REGISTRY_LAYERS_MAX = 32,
	REGISTRY_ARGS_MAX = 24,
};

/* HOST[:PORT]/PATH, in lower case; without a host it is of docker.io. */
bool registry_repo_is_valid(const char *repo);

/* @url without a "https://" or "http://" before it.  Borrowed. */
const char *registry_repo_of(const char *url);

/* Is the host of @repo this one? */
bool registry_repo_is_loopback(const char *repo);

/* 1 to REGISTRY_TAG_MAX of [A-Za-z0-9._-], not beginning with '.' or '-', no "..", and fit to be an image's name. */
bool registry_tag_is_valid(const char *tag);

/* The image that @tag becomes: "dstack-<tag>", or the tag itself where it begins with "dstack-" or "bailey-". */
void registry_image_name(const char *tag, char ret[static IMAGE_NAME_MAX + 1]);

/* "sha256-<hex>" and "mr-sha256-<hex>" say by which measure an image is, and are not listed. */
bool registry_tag_is_measure(const char *tag);

/* Where skopeo works and whom it asks.  Borrowed. */
struct registry_source {
	const char *repo;
	bool is_insecure;      /* http, or https that nobody checks */
	const char *auth_file; /* containers-auth.json(5); NULL: nobody in particular */
	const char *policy;    /* of skopeo, in the work folder */
	const char *tmp;       /* where it may put its own files */
};

/* A command line; @text owns what is made. */
struct registry_argv {
	const char *argv[REGISTRY_ARGS_MAX];
	char from[REGISTRY_REPO_MAX + REGISTRY_TAG_MAX + 40], to[1100];
};

void registry_list_argv(const struct registry_source *s, struct registry_argv *ret);

/* Fetch @tag into the folder @dir, layers unpacked from what they are compressed with. */
void registry_copy_argv(const struct registry_source *s, const char *tag, const char *dir,
			struct registry_argv *ret);

/* The tags of `skopeo list-tags`, each valid, without measures.  The caller frees each and the list. */
int registry_read_tags(const void *p, size_t n, char ***ret, size_t *ret_n, struct err *e);
void registry_tags_free(char **tags, size_t n);

/* What skopeo's stderr says went wrong, made printable: the text in its last msg="...".  Return: @ret. */
enum { REGISTRY_SAID_SIZE = 320 };
const char *registry_said(const void *p, size_t n, char ret[static REGISTRY_SAID_SIZE]);

struct registry_layer {
	struct digest256 digest;
	uint64_t size;
};

struct registry_manifest {
	struct registry_layer layers[REGISTRY_LAYERS_MAX];
	size_t n;
};

/* Return: 0; ERR_PROTO with what is wrong. */
int registry_read_manifest(const void *p, size_t n, struct registry_manifest *ret, struct err *e);
