/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-gateway-registry: input is a file of registrations.  What is read of it holds no key and no address twice, and what
 * is written of that reads as the same.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "gateway/registry.h"
#include "gateway/registry_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct registry_options options = {
	.first = 0x0a080001, .last = 0x0a080010, .own = 0x0a080001, .most = 12, .most_per_app = 6
};

static void write_all(struct registry *r, struct buf *ret)
{
	const struct overrides *said = registry_overrides(r);
	size_t i, j;

	for (i = 0; i < registry_count(r); i++) {
		const struct registry_instance *a = registry_at(r, i), *b;

		for (j = 0; j < i; j++) {
			b = registry_at(r, j);
			assert(a->address != b->address && strcmp(a->id, b->id) != 0);
			assert(memcmp(a->key, b->key, REGISTRY_KEY) != 0);
		}
		assert(a->address > options.own && a->address <= options.last);
		assert(registry_find(r, a->id) == a);
		assert(registry_line_write(a, ret) == 0);
	}
	for (i = 0; i < said->n; i++) {
		assert(i == 0 || strcmp(said->list[i - 1]->id, said->list[i]->id) < 0);
		assert(said->list[i]->is_drained || said->list[i]->policy.is_known);
		assert(registry_override_write(said->list[i], ret) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct registry *r = registry_new(&options), *same = registry_new(&options);
	auto_buf struct buf text = BUF_MAX(1 << 20), again = BUF_MAX(1 << 20);
	struct err e = ERR_NONE;
	size_t dropped = 0;

	if (registry_text_read((const char *)p, n, r, &dropped, &e) == 0) {
		write_all(r, &text);
		assert(registry_text_read((const char *)text.p, text.n, same, &dropped, &e) == 0);
		assert(dropped == 0);
		write_all(same, &again);
		assert(text.n == again.n && (!text.n || memcmp(text.p, again.p, text.n) == 0));
	} else {
		assert(e.text[0]);
	}
	registry_free(r);
	registry_free(same);
	return 0;
}
