/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/measurement.h"

#include "base/str.h"

const struct boot_event *measurement_event(const struct measurement *m, unsigned int imr,
					   const char *name)
{
	size_t i;

	for (i = 0; i < m->n_events; i++) {
		if (m->events[i].imr == imr && str_equal(m->events[i].name, name))
			return &m->events[i];
	}
	return NULL;
}
