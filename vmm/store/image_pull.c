/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage is <store>/.pull-<name>-<hex>/, the owner's alone:
 *
 *	policy.json registries.conf	skopeo's settings, so that none of the host's or of a user's count
 *	tmp/				its temporary files, and what it takes for a home
 *	blobs/				what it writes ("dir:" layout)
 *	<name>/				the image, as it is going to be
 *
 * skopeo checks what it downloads against the manifest's digests and takes off the compression, in its own process,
 * which dies with our thread, may write no file above the limit, and is watched for the sum of them.  That it wrote
 * what it meant to, is checked here; what is in the archives, by image_unpack(); that the image is one, by
 * image_check().
 */
#include "store/image_pull.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/child.h"
#include "store/image_store.h"
#include "store/image_unpack.h"

enum {
	LIST_MS = 60 * 1000,
	ENV_MAX = 16,
	SLACK = 4 * 1024 * 1024, /* manifest, configuration, a temporary file's end */
	CHECK_EVERY = 1024 * 1024,
};

static const char policy[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}\n";

struct stage {
	struct image_pull *p;
	char name[IMAGE_NAME_MAX + 1], aside[IMAGE_STORE_ASIDE_SIZE];
	char *dir; /* absolute */
	char *policy, *tmp, *blobs, *image;
	int fd, blobs_fd, image_fd;
};

static void stage_deinit(struct stage *s)
{
	s->fd = fd_close(s->fd);
	s->blobs_fd = fd_close(s->blobs_fd);
	s->image_fd = fd_close(s->image_fd);
	if (s->dir)
		(void)image_store_delete(s->p->store, s->aside,
					 NULL); /* the next start tries again */
	free(s->dir);
	free(s->policy);
	free(s->tmp);
	free(s->blobs);
	free(s->image);
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int stage_init(struct stage *s, struct image_pull *p, const char *name, struct err *e)
{
	int rc;

	*s = (struct stage){ .p = p, .fd = -1, .blobs_fd = -1, .image_fd = -1 };
	(void)str_copy(s->name, sizeof(s->name), name);
	rc = image_store_stage(p->store, name, s->aside, e);
	if (rc < 0)
		return rc;
	s->dir = xasprintf("%s/%s", p->store, s->aside);
	s->policy = xasprintf("%s/policy.json", s->dir);
	s->tmp = xasprintf("%s/tmp", s->dir);
	s->blobs = xasprintf("%s/blobs", s->dir);
	s->image = xasprintf("%s/%s", s->dir, name);
	s->fd = open_dir(AT_FDCWD, s->dir);
	if (s->fd < 0)
		return err_errno(e, errno, "cannot open '%s'", s->dir);
	rc = file_replace(s->fd, "policy.json", 0600, policy, strlen(policy), e);
	if (rc == 0)
		rc = file_replace(s->fd, "registries.conf", 0600, "", 0, e);
	if (rc == 0)
		rc = file_mkdir(s->fd, "tmp", 0700, e);
	return rc;
}

/* ---- skopeo ---- */

static int add_sizes(int at, const char *name, uint64_t *sum)
{
	int fd = open_dir(at, name);
	const struct dirent *d;
	struct stat st;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		(void)fd_close(fd);
		return 0; /* not yet there */
	}
	while ((d = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			*sum += (uint64_t)st.st_size;
	}
	return closedir(dir);
}

static int check_ending(const struct image_pull *p, struct err *e)
{
	if (p->is_ending && atomic_load(p->is_ending))
		return err_set(e, -ECANCELED, "the daemon is ending");
	return 0;
}

static int too_large(const struct image_pull *p, struct err *e)
{
	return err_set(e, ERR_LIMIT,
		       "it is larger than an image may be (registry.max_size: %llu MiB)",
		       (unsigned long long)(p->max_size >> 20));
}

/* Called while skopeo runs. */
static int watch(void *arg, struct err *e)
{
	struct stage *s = arg;
	uint64_t sum = 0;
	int rc = check_ending(s->p, e);

	if (rc < 0)
		return rc;
	(void)add_sizes(s->fd, "blobs", &sum);
	(void)add_sizes(s->fd, "tmp", &sum);
	atomic_store(&s->p->bytes, sum);
	if (sum > s->p->max_size + SLACK)
		return too_large(s->p, e);
	return s->p->check_room ? s->p->check_room(s->p->arg, 0, e) : 0;
}

/* What a host says about the way to the network holds for skopeo too. */
static void add_env(const char **env, size_t n, const char *const *names, char **made)
{
	const char *value;

	for (; *names && n + 1 < ENV_MAX; names++) {
		value = getenv(*names);
		if (value)
			env[n++] = *made++ = xasprintf("%s=%s", *names, value);
	}
}

static int check_auth_file(const struct image_pull *p, struct err *e)
{
	struct stat st;

	if (!p->auth_file)
		return 0;
	if (stat(p->auth_file, &st) != 0)
		return err_errno(e, errno, "cannot read registry.auth_file '%s'", p->auth_file);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		return err_set(e, ERR_INPUT,
			       "registry.auth_file '%s' can be read by others; chmod 600 it",
			       p->auth_file);
	}
	return 0;
}

static int run(struct stage *s, const struct registry_argv *a, unsigned int timeout_ms,
	       struct buf *ret_out, struct err *e)
{
	static const char *const inherited[] = { "HTTPS_PROXY",	  "https_proxy",  "HTTP_PROXY",
						 "http_proxy",	  "NO_PROXY",	  "no_proxy",
						 "SSL_CERT_FILE", "SSL_CERT_DIR", NULL };
	auto_free char *home = xasprintf("HOME=%s", s->tmp), *tmp = xasprintf("TMPDIR=%s", s->tmp),
		       *run_dir = xasprintf("XDG_RUNTIME_DIR=%s", s->tmp),
		       *conf = xasprintf("CONTAINERS_REGISTRIES_CONF=%s/registries.conf", s->dir);
	const char *env[ENV_MAX] = {
		"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", home, tmp, run_dir, conf
	};
	char *made[ENV_MAX] = { NULL }, said[REGISTRY_SAID_SIZE];
	const struct child_options o = { .argv = a->argv,
					 .env = env,
					 .cwd = s->tmp,
					 .timeout_ms = timeout_ms,
					 .output_max = REGISTRY_LIST_MAX,
					 .file_max = s->p->max_size + SLACK,
					 .is_bound = true,
					 .watch = watch,
					 .watch_arg = s };
	struct child_result r;
	size_t i;
	int rc;

	add_env(env, 6, inherited, made);
	rc = child_run(&o, &r, e);
	for (i = 0; i < ENV_MAX; i++)
		free(made[i]);
	if (rc < 0)
		return rc;
	(void)registry_said(r.err.p, r.err.n, said);
	buf_deinit(&r.err);
	if (r.exit_code == 0) {
		*ret_out = r.out;
		return 0;
	}
	buf_deinit(&r.out);
	if (r.signal)
		return err_set(e, -EIO, "skopeo was ended by signal %d: %s", r.signal, said);
	if (strstr(said, "file too large")) /* our own limit of a file's size */
		return too_large(s->p, e);
	return err_set(e, -EIO, "skopeo: %s", said);
}

static struct registry_source source_of(const struct stage *s)
{
	return (struct registry_source){ .repo = s->p->repo,
					 .is_insecure = s->p->is_insecure,
					 .auth_file = s->p->auth_file,
					 .policy = s->policy,
					 .tmp = s->tmp };
}

static int fetch(struct stage *s, struct err *e)
{
	const struct registry_source source = source_of(s);
	auto_buf struct buf out = BUF_MAX(0);
	struct registry_argv argv;
	int rc = check_auth_file(s->p, e);

	if (rc < 0)
		return rc;
	registry_copy_argv(&source, s->p->tag, s->blobs, &argv);
	rc = run(s, &argv, s->p->timeout_ms, &out, e);
	if (rc < 0)
		return rc;
	s->blobs_fd = open_dir(s->fd, "blobs");
	return s->blobs_fd < 0 ? err_errno(e, errno, "cannot open what skopeo wrote") : 0;
}

/* ---- what it wrote ---- */

static int check_layer(const struct registry_layer *l, int fd, struct err *e)
{
	struct digest256 got;
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != l->size)
		return err_set(e, ERR_PROTO, "is not as large as the manifest says");
	rc = digest256_fd(fd, &got, e);
	if (rc < 0)
		return rc;
	if (memcmp(got.b, l->digest.b, sizeof(got.b)) != 0)
		return err_set(e, ERR_PROTO, "does not have the digest that the manifest says");
	return lseek(fd, 0, SEEK_SET) < 0 ? err_errno(e, errno, "cannot be read again") : 0;
}

static int progress(void *arg, uint64_t bytes, struct err *e)
{
	struct image_pull *p = arg;
	int rc = check_ending(p, e);

	atomic_fetch_add(&p->bytes, bytes);
	p->since_check += bytes;
	if (rc < 0 || p->since_check < CHECK_EVERY)
		return rc;
	p->since_check = 0;
	return p->check_room ? p->check_room(p->arg, 0, e) : 0;
}

static int unpack_layer(const struct stage *s, const struct registry_layer *l,
			struct image_unpack *u, struct err *e)
{
	char name[2 * sizeof(l->digest.b) + 1];
	auto_close int fd = -1;
	int rc;

	str_hex(name, l->digest.b, sizeof(l->digest.b));
	fd = openat(s->blobs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, errno, "layer %.12s is not there", name);
	rc = check_layer(l, fd, e);
	if (rc == 0)
		rc = image_unpack(u, fd, e);
	return rc < 0 ? err_wrap(e, rc, "layer %.12s", name) : 0;
}

static int unpack(struct stage *s, struct err *e)
{
	auto_free struct registry_manifest *m = xnew(struct registry_manifest);
	auto_buf struct buf text = BUF_MAX(0);
	struct image_unpack u = { .bytes_left = s->p->max_size, .progress = progress, .arg = s->p };
	size_t i;
	int rc = file_read(s->blobs_fd, "manifest.json", REGISTRY_MANIFEST_MAX, &text, e);

	if (rc == 0)
		rc = registry_read_manifest(text.p, text.n, m, e);
	if (rc == 0 && mkdirat(s->fd, s->name, 0755) != 0)
		rc = err_errno(e, errno, "cannot make the folder of the image");
	if (rc < 0)
		return rc;
	s->image_fd = open_dir(s->fd, s->name);
	if (s->image_fd < 0 || fchmod(s->image_fd, 0755) != 0)
		return err_errno(e, errno, "cannot open the folder of the image");
	u.dirfd = s->image_fd;
	for (i = 0; rc == 0 && i < m->n; i++)
		rc = unpack_layer(s, &m->layers[i], &u, e);
	return rc;
}

static int check(const struct stage *s, struct err *e)
{
	struct image *im = NULL;
	int rc;

	if (faccessat(s->image_fd, "metadata.json", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		return err_set(
			e, ERR_CORRUPT,
			"pulled image does not contain metadata.json - not a valid dstack guest "
			"image");
	}
	rc = image_load(s->dir, s->name, &im, e);
	if (rc == 0)
		rc = image_check(im, NULL, e);
	image_free(im);
	return rc;
}

int image_pull(struct image_pull *p, struct err *e)
{
	__attribute__((cleanup(stage_deinit))) struct stage s = { .fd = -1 };
	char name[IMAGE_NAME_MAX + 1];
	int rc;

	registry_image_name(p->tag, name);
	atomic_store(&p->bytes, 0);
	rc = stage_init(&s, p, name, e);
	if (rc == 0)
		rc = fetch(&s, e);
	if (rc == 0)
		rc = unpack(&s, e);
	if (rc == 0)
		rc = check(&s, e);
	if (rc == 0)
		rc = image_store_publish(p->store, s.aside, name, e);
	return rc;
}

int image_pull_tags(struct image_pull *p, char ***ret, size_t *ret_n, struct err *e)
{
	__attribute__((cleanup(stage_deinit))) struct stage s = { .fd = -1 };
	auto_buf struct buf out = BUF_MAX(0);
	struct registry_source source;
	struct registry_argv argv;
	int rc = stage_init(&s, p, "list", e);

	if (rc == 0)
		rc = check_auth_file(p, e);
	if (rc < 0)
		return rc;
	source = source_of(&s);
	registry_list_argv(&source, &argv);
	rc = run(&s, &argv, LIST_MS, &out, e);
	return rc < 0 ? rc : registry_read_tags(out.p, out.n, ret, ret_n, e);
}
