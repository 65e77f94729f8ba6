/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pulls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/limits.h"
#include "loop/work.h"

/* Of the images' own disk, if they have one.  On the thread of the pull; neither ever changes. */
static int check_room(const void *arg, uint64_t bytes, struct err *e)
{
	const struct daemon *d = arg;

	return limits_check_space(d->config, d->image_dir, bytes, e);
}

static void set_up(struct image_pull *w, struct daemon *d, const char *tag)
{
	const struct config *c = d->config;

	w->store = d->image_dir;
	w->repo = c->registry;
	w->auth_file = c->registry_auth_file;
	w->is_insecure = c->registry_insecure;
	w->tag = tag;
	w->max_size = c->registry_max_size;
	w->timeout_ms = c->registry_timeout_ms;
	w->check_room = check_room;
	w->arg = d;
	w->is_ending = &d->pulls.is_ending;
}

const struct pull *pulls_find(const struct daemon *d, const char *tag)
{
	const struct pull *p;

	for (p = d->pulls.first; p && !str_equal(p->tag, tag);)
		p = p->next;
	return p;
}

static void drop(struct pulls *all, const struct pull *what)
{
	struct pull **at = &all->first, *gone;

	while (*at != what)
		at = &(*at)->next;
	gone = *at;
	*at = gone->next;
	all->n--;
	free(gone);
}

/* A record of the same tag is replaced; the oldest that has ended makes room. */
static void make_room(struct pulls *all, const char *tag)
{
	const struct pull *p, *oldest = NULL, *same = NULL;

	for (p = all->first; p; p = p->next) {
		if (str_equal(p->tag, tag))
			same = p;
		if (!p->is_running)
			oldest = p;
	}
	if (same)
		drop(all, same);
	else if (all->n >= PULLS_KEPT && oldest)
		drop(all, oldest);
}

static void pull_run(void *arg)
{
	struct pull *p = arg;

	struct err e = ERR_NONE;

	if (image_pull(&p->work, &e))
		p->err = e;
}

static void pull_done(void *arg)
{
	struct pull *p = arg;
	struct daemon *d = p->d;

	p->is_running = false;
	d->pulls.n_running--;
	if (p->err.code)
		log_error("image '%s': cannot pull: %s", p->image, p->err.text);
	else
		log_info("image '%s': pulled, %llu MiB", p->image,
			 (unsigned long long)(atomic_load(&p->work.bytes) >> 20));
	d->n_busy--;
	daemon_idle(d);
}

/* Two tags may become one image. */
static bool is_pulled(const struct pulls *all, const char *image)
{
	const struct pull *p;

	for (p = all->first; p; p = p->next) {
		if (p->is_running && str_equal(p->image, image))
			return true;
	}
	return false;
}

static int check(const struct daemon *d, const char *tag, struct err *e)
{
	char image[IMAGE_NAME_MAX + 1], shown[96];
	auto_free char *path = NULL;

	if (!d->config->registry)
		return err_set(e, ERR_MISSING,
			       "image registry is not configured; set registry.url");
	if (!registry_tag_is_valid(tag))
		return err_set(e, ERR_INPUT, "invalid registry tag \"%s\"",
			       str_escape(shown, sizeof(shown), tag, strlen(tag)));
	registry_image_name(tag, image);
	if (is_pulled(&d->pulls, image))
		return err_set(e, ERR_CONFLICT, "image %s is already being pulled", tag);
	path = xasprintf("%s/%s", d->image_dir, image);
	if (access(path, F_OK) == 0)
		return err_set(e, ERR_CONFLICT, "image directory already exists: %s", image);
	if (d->pulls.n_running >= PULLS_RUNNING) {
		return err_set(e, ERR_LIMIT,
			       "%d images are being pulled already; try again when one is done",
			       PULLS_RUNNING);
	}
	return check_room(d, 0, e);
}

int pulls_begin(struct daemon *d, const char *tag, struct err *e)
{
	int rc = check(d, tag, e);
	struct pull *p;

	if (rc)
		return rc;
	make_room(&d->pulls, tag);
	p = xnew(struct pull);
	(void)str_copy(p->tag, sizeof(p->tag), tag);
	registry_image_name(tag, p->image);
	p->d = d;
	p->is_running = true;
	p->next = d->pulls.first;
	d->pulls.first = p;
	d->pulls.n++;
	d->pulls.n_running++;
	d->n_busy++;
	set_up(&p->work, d, p->tag);
	log_info("image '%s': pulling %s:%s", p->image, d->config->registry, p->tag);
	work_start_alone(d->loop, pull_run, pull_done, p);
	return 0;
}

struct listing {
	struct daemon *d;
	struct image_pull work;
	char **tags;
	size_t n;
	int rc;
	struct err err;
	pulls_list_fn done;
	void *arg;
};

static void list_run(void *arg)
{
	struct listing *l = arg;

	l->rc = image_pull_tags(&l->work, &l->tags, &l->n, &l->err);
}

static void list_done(void *arg)
{
	struct listing *l = arg;
	struct daemon *d = l->d;

	d->pulls.n_lists--;
	l->done(l->arg, l->tags, l->n, l->rc ? &l->err : NULL);
	registry_tags_free(l->tags, l->n);
	free(l);
	d->n_busy--;
	daemon_idle(d);
}

int pulls_list(struct daemon *d, pulls_list_fn done, void *arg, struct err *e)
{
	struct listing *l;

	if (d->pulls.n_lists >= PULLS_RUNNING)
		return err_set(e, ERR_LIMIT, "the registry is being asked already; try again");
	d->pulls.n_lists++;
	d->n_busy++;
	l = xnew(struct listing);
	l->d = d;
	l->done = done;
	l->arg = arg;
	set_up(&l->work, d, "");
	l->work.check_room = NULL; /* a list needs none */
	work_start_alone(d->loop, list_run, list_done, l);
	return 0;
}

void pulls_stop(struct daemon *d)
{
	atomic_store(&d->pulls.is_ending, true);
}

void pulls_free(struct daemon *d)
{
	while (d->pulls.first)
		drop(&d->pulls, d->pulls.first);
}
