/* SPDX-License-Identifier: Apache-2.0 */
#include "data/faults.h"

#include <stdlib.h>

#include "base/mem.h"

void faults_deinit(struct faults *f)
{
	while (f->n > 0) {
		f->n--;
		free(f->list[f->n].key);
		free(f->list[f->n].message);
	}
	f->is_cut = false;
}

void faults_add(struct faults *f, unsigned int line, unsigned int column, const char *key,
		const char *message)
{
	size_t at;

	if (f->n == FAULTS_MAX) {
		f->is_cut = true;
		return;
	}
	for (at = f->n++; at > 0 && f->list[at - 1].line > line; at--)
		f->list[at] = f->list[at - 1];
	f->list[at] = (struct fault){
		.line = line, .column = column, .key = xstrdup(key), .message = xstrdup(message)
	};
}
