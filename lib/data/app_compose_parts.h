/* SPDX-License-Identifier: Apache-2.0 */
/* app_compose_parts: the nested objects of an app-compose.json; for lib/data only */
#pragma once

#include "data/app_compose.h"

struct fields;

/* A list of texts; the pointers are allocated, the texts borrowed. */
void app_texts_read(struct fields *f, const char *key, struct app_texts *ret);

void app_port_policy_read(struct fields *f, struct app_compose *c);
void app_requirements_read(struct fields *f, struct app_requirements *ret);
void app_volumes_read(struct fields *f, struct app_compose *c);
