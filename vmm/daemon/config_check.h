/* SPDX-License-Identifier: Apache-2.0 */
/* config_check: what single values of baileyd.yaml must look like; for struct conf_key.check */
#pragma once

struct err;

int config_check_path(const char *text, struct err *e);
int config_check_address(const char *text, struct err *e);
int config_check_key_provider(const char *text, struct err *e);
int config_check_endpoint(const char *text, struct err *e);
int config_check_product(const char *text, struct err *e);
int config_check_slot(const char *text, struct err *e);
int config_check_registry(const char *text, struct err *e);
int config_check_url(const char *text, struct err *e);
int config_check_libvirt(const char *text, struct err *e);
int config_check_seed(const char *text, struct err *e);
