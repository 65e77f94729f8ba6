/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_compile: what an app's YAML would become here; changes nothing
 *
 * POST /console/compile, a JSON object in and out:
 *
 *   {"yaml": "name: hello\n...",       bailey-app.yaml(5)
 *    "files": {"hello.sh": "..."},     optional: texts of the files that the YAML names, by name
 *    "id": "<VM>"}                     optional: it is to update this VM, so what only a new VM must
 *                                      heed (its ports, this host's room) is not asked
 *
 *   {"ok": true, "name": ..., "compose_hash": <64 hex>, "app_id": <40 hex>, "image": ...,
 *    "configuration": {...},           the request of CreateVm
 *    "warnings": [...], "errors": [],
 *    "changes": [{"field", "from", "to"}], "update": {...}}    with id: the request of UpdateVm; null if nothing changes
 *   {"ok": false, "warnings": [], "errors": [{"line": 7, "column": 3, "key": "resources.memory",
 *    "message": "\"2GB\" is not a size; write 2G"}, ...], "has_more": false}
 *
 * A warning has the members of an error.  line is 0 where the whole document, or this host, is meant.
 * Errors are those of the YAML, all of them (at most FAULTS_MAX, then has_more); without any, what this
 * host says against it, as CreateVm would.  Status 200 in both cases; 400 for a request that is not such an
 * object, 413 for more than CONSOLE_COMPILE_MAX.
 *
 * No file is opened for the caller.  Right of use: read.
 *
 * Thread   the loop's; the YAML is compiled and images are listed on a worker.
 */
#pragma once

struct daemon;
struct http_request;

enum {
	CONSOLE_COMPILE_MAX = 1024 * 1024, /* the whole request */
	CONSOLE_COMPILES_MAX = 4,	   /* at once; more are told 429 */
};

void console_compile(struct daemon *d, struct http_request *r);
