/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_compose: what an app's YAML becomes; no daemon is asked */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "app/app_yaml.h"
#include "cli/cli.h"

int cmd_compose_hash(struct cli *c, struct err *e)
{
	const struct args *a = c->args;
	json_t *j;
	size_t i;
	int rc;

	for (i = 0; i < a->n; i++) {
		auto_app struct app app = APP_NULL;

		rc = app_load(a->operands[i], &app, e);
		if (rc < 0)
			return rc;
		if (c->wants_json) {
			j = json_pack("{s:s, s:s, s:s, s:s#}", "file", app.file, "name",
				      app_str(&app, "name"), "compose_hash", app.hash, "app_id",
				      app.hash, 40);
			cli_json(j);
			json_decref(j);
		} else {
			(void)printf("%s  %s\n", app.hash, app.file);
		}
	}
	return 0;
}

int cmd_compose_show(struct cli *c, struct err *e)
{
	auto_app struct app app = APP_NULL;
	int rc = app_load(c->args->operands[0], &app, e);

	if (rc < 0)
		return rc;
	/* nothing added: what goes into a pipe hashes to the compose hash */
	(void)fputs(app.compose, stdout);
	if (isatty(STDOUT_FILENO))
		(void)putchar('\n');
	return 0;
}
