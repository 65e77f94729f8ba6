/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_reload: have the daemon read the folders of VMs again */
#include <inttypes.h>

#include "base/err.h"
#include "cli/cli.h"
#include "data/json.h"

int cmd_reload(struct cli *c, struct err *e)
{
	json_t *reply = NULL;
	int rc = api_call(&c->api, "ReloadVms", NULL, &reply, e);

	if (rc < 0)
		return rc;
	if (c->wants_json)
		cli_json(reply);
	else
		cli_say(c, "%" PRIu64 " loaded, %" PRIu64 " updated, %" PRIu64 " removed\n",
			json_get_u64(reply, "loaded", 0), json_get_u64(reply, "updated", 0),
			json_get_u64(reply, "removed", 0));
	json_decref(reply);
	return 0;
}
