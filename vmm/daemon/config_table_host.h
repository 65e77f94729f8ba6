/* SPDX-License-Identifier: Apache-2.0 */
/* config_table_host: the keys of baileyd.yaml that say what of this host VMs may have, and how long; part of config_table */
#pragma once

#include "data/conf.h"

extern const struct conf_key config_limit_keys[], config_registry_keys[], config_gpu_keys[],
	config_stop_keys[];
