/* SPDX-License-Identifier: Apache-2.0 */
/* role: what a caller may do */
#pragma once

enum role { ROLE_NONE, ROLE_READ, ROLE_OPERATE, ROLE_COUNT };
