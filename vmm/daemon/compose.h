/* SPDX-License-Identifier: Apache-2.0 */
/* compose: the app-compose.json of a VM's folder */
#pragma once

#include <stdbool.h>

struct app_compose;
struct err;

/* Read shared/app-compose.json of @dirfd.  The caller frees with app_compose_free(). */
int compose_load(int dirfd, struct app_compose **ret, struct err *e);

/* Does the app of this folder want a gateway?  False if the file cannot be read. */
bool compose_wants_gateway(int dirfd);
