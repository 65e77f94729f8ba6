/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_pages: the web console as a browser asks for it
 *
 * GET /, /v1          the console
 * GET /res/NAME       a file of vmm/console/www
 * POST /console/compile  console_compile.h
 *
 * The API's Content-Security-Policy lets a page load nothing but its own files.  Each file has an ETag; a browser
 * asks again each time and is told 304 as long as the daemon is the same.
 */
#pragma once

#include <stdbool.h>

struct daemon;
struct http_request;

/* Answer @r if it is for the console.  Return: false if it is not; then nothing was done with it. */
bool console_serve(struct daemon *d, struct http_request *r);
