/* SPDX-License-Identifier: Apache-2.0 */
/* calls: what each call of the service does */
#pragma once

#include "kms/job.h"

extern const struct job_kind calls_get_app_key, calls_get_kms_key, calls_get_env_key;
extern const struct job_kind calls_sign_cert, calls_get_temp_ca, calls_get_meta;
