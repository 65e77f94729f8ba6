/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static void destroy(struct pipe_pair *pair)
{
	(void)close(pair->in);
	(void)close(pair->out);
	free(pair);
}

struct pipe_pair *pipe_take(struct pipe_pool *p)
{
	struct pipe_pair *pair = p->free;
	int fds[2], size;

	if (pair) {
		p->free = pair->next;
		p->n--;
		return pair;
	}
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return NULL;
	pair = xnew(struct pipe_pair);
	pair->out = fds[0];
	pair->in = fds[1];
	size = fcntl(pair->in, F_SETPIPE_SZ,
		     PIPE_SIZE); /* the user's share of pages may be used up */
	pair->size = size > 0 ? (size_t)size : (size_t)64 * 1024;
	return pair;
}

void pipe_give(struct pipe_pool *p, struct pipe_pair *pair)
{
	if (!pair)
		return;
	if (pair->n > 0 || p->n >= PIPES_KEPT) {
		destroy(pair);
		return;
	}
	pair->next = p->free;
	p->free = pair;
	p->n++;
}

void pipe_pool_deinit(struct pipe_pool *p)
{
	while (p->free) {
		struct pipe_pair *pair = p->free;

		p->free = pair->next;
		destroy(pair);
	}
	p->n = 0;
}
