/* SPDX-License-Identifier: Apache-2.0 */
/* xml_walk: each element, attribute and text of an XML document, with its path.  The only user of libxml2. */
#pragma once

/* "/domain/os/kernel", NULL, NULL: an element begins;  ..., "type", "kvm": its attribute;  ..., NULL, "/x": its text,
 * without the white space around it.  Borrowed.  Not 0: stop. */
typedef int (*xml_walk_fn)(void *arg, const char *path, const char *attribute, const char *value);

/* No entities, no network, 32 levels at most.  Return: 0, what @fn returned, or ERR_INPUT if it is not XML. */
int xml_walk(const char *xml, xml_walk_fn fn, void *arg);
