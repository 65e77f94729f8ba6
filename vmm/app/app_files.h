/* SPDX-License-Identifier: Apache-2.0 */
/* app_files: the files that an app's YAML names, read in place of the texts they stand for */
#pragma once

struct app;
struct app_origin;
struct err;

/*
 * For each written "x_file", relative to the folder of @o or attached to it: its text becomes "x" in the document.
 * compose_file becomes app->compose, byte for byte.  ERR_INPUT for both "x" and "x_file", for
 * a file that cannot be read or is not UTF-8, and for keys beside compose_file that it makes void.
 */
int app_files_read(struct app *a, const struct app_origin *o, struct err *e);
