/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory: starting is a chain of callbacks: lock and folders, the hypervisor opens, VMs are loaded and
 * adopted, only then does the API's socket appear; who can connect sees the whole fleet.  Ending goes the
 * other way.  Nothing needs to be saved: what lasts is on disk already, and kill -9 is one way to end.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/notify.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "daemon/adopt.h"
#include "daemon/agent_probe.h"
#include "daemon/api.h"
#include "daemon/config.h"
#include "daemon/counts.h"
#include "daemon/disk_guard.h"
#include "daemon/embed_sweep.h"
#include "daemon/host_down.h"
#include "daemon/hostlink.h"
#include "daemon/lifecycle.h"
#include "daemon/reach.h"
#include "daemon/reconnect.h"
#include "daemon/strays.h"
#include "daemon/vm.h"
#include "daemon/vsock_choice.h"
#include "domain/hypervisor.h"
#include "loop/http_client.h"
#include "store/image.h"
#include "store/image_store.h"

enum { ORPHAN_MS = 5000, ORPHAN_PAUSE_MS = 20, PATIENCE_MS = 20 * 1000, LATE_MS = 5000 };

static void fail(struct daemon *d, const char *what, const struct err *e)
{
	log_error("%s: %s", what, e->text);
	d->exit_code = 1;
	daemon_stop(d);
}

/* Who wrote itself into the lock file; 0: nobody. */
static pid_t owner_of(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint32_t pid;

	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return num_parse_u32(text, 1, INT32_MAX, &pid) ? 0 : (pid_t)pid;
}

/*
 * A child that the last daemon had forked when it was killed holds the lock until it runs its program: so one whose
 * owner is gone is waited for.
 */
static int lock_file(int fd)
{
	uint64_t end = time_mono_ms() + ORPHAN_MS;
	pid_t owner;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		owner = owner_of(fd);
		if ((owner && (kill(owner, 0) == 0 || errno != ESRCH)) || time_mono_ms() > end)
			return -EWOULDBLOCK;
		(void)poll(NULL, 0, ORPHAN_PAUSE_MS);
	}
	return 0;
}

/* <state>/baileyd.lock is locked for as long as we live; the pid in it is for people. */
static int take_lock(struct daemon *d, struct err *e)
{
	auto_free char *path = xasprintf("%s/baileyd.lock", d->config->state);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char pid[24] = "";
	int len;

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	if (lock_file(fd) < 0)
		return err_set(e, ERR_CONFLICT,
			       "another baileyd (process %d) has the state folder %s; stop it or "
			       "choose another state",
			       (int)owner_of(fd), d->config->state);
	len = str_format(pid, sizeof(pid), "%d\n", (int)getpid());
	/* In place first: on a full disk a block that was given back is gone. */
	if (pwrite(fd, pid, (size_t)len, 0) != len || ftruncate(fd, len) < 0)
		return err_errno(e, errno, "cannot write '%s'", path);
	d->lock_fd = steal_fd(&fd);
	inject_point("daemon.locked");
	return 0;
}

/* QEMU's user must be able to pass through a folder that we make; one that is there is its owner's business. */
static int make_folder(const char *path, mode_t mode, struct err *e)
{
	bool is_new = access(path, F_OK) < 0;
	int rc = file_mkdir_all(path, mode, e);

	if (!rc && is_new && chmod(path, mode) < 0)
		rc = err_errno(e, errno, "cannot set the mode of '%s'", path);
	return rc;
}

static int make_folders(struct daemon *d, struct err *e)
{
	const struct config *c = d->config;
	auto_free char *vms = xasprintf("%s/vm", c->state);
	int rc = make_folder(c->state, 0711, e);

	d->image_dir = xasprintf("%s/image", c->state);
	if (!rc)
		rc = take_lock(d, e);
	if (!rc)
		rc = make_folder(vms, 0711, e);
	if (!rc)
		rc = make_folder(d->image_dir, 0755, e);
	if (!rc)
		rc = make_folder(c->run, 0711, e);
	if (!rc && c->qemu_user)
		rc = reach_check(c->state, c->qemu_user, e);
	if (!rc && c->qemu_user)
		rc = reach_check(c->run, c->qemu_user, e);
	if (rc)
		return rc;
	d->vm_root = open(vms, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->vm_root < 0 ? err_errno(e, errno, "cannot open '%s'", vms) : 0;
}

/* What a crash left of images that were on their way in or out. */
static void sweep_images(const struct daemon *d)
{
	struct err e = ERR_NONE;

	if (image_store_sweep(d->image_dir, &e))
		log_warn("image folder: cannot delete what is left of an image: %s", e.text);
}

static void on_signal(uv_signal_t *h, int sig)
{
	struct daemon *d = h->data;

	log_info("baileyd: %s: ending; VMs go on", sig == SIGTERM ? "SIGTERM" : "SIGINT");
	daemon_stop(d);
}

static void on_power(uv_signal_t *h, int sig)
{
	(void)sig;
	host_down_begin(h->data);
}

static void on_event(void *arg, const struct hypervisor_event *ev)
{
	struct daemon *d = arg;
	struct vm *vm = fleet_find(&d->fleet, ev->uuid);

	if (!vm || ev->is_started || vm->is_removing || !vm->is_running || d->is_stopping)
		return;
	log_info("vm %s: QEMU ended: %s", vm->short_id, hypervisor_reason_text(ev->reason));
	if (vm->unusable) {
		vm->is_running = false;
		return;
	}
	if (!vm_stop_sees_end(vm))
		vm_reap(vm, ev->reason, VM_EXIT_NONE);
}

static void log_host(const struct daemon *d, size_t n_running)
{
	const struct host_caps *caps = hypervisor_caps(d->hypervisor);

	log_info("baileyd %s: state %s, run %s", BAILEY_VERSION, d->config->state, d->config->run);
	log_info("hypervisor: libvirt %s (%s), QEMU %s (%s)", caps->libvirt_version,
		 d->config->libvirt_uri ? d->config->libvirt_uri : "embedded", caps->qemu_version,
		 caps->emulator);
	log_info("accelerator: %s", caps->accel_why);
	log_info("TDX: %s", *caps->tdx_why ? caps->tdx_why : "available");
	log_info("vsock: %s", d->vsock_why);
	log_info("VMs: %zu, %zu of them found running", d->fleet.n, n_running);
}

static void on_watchdog(uv_timer_t *t)
{
	(void)t;
	notify("WATCHDOG=1");
}

static void tell_manager(struct daemon *d)
{
	uint64_t ms = notify_watchdog_ms();

	notify("READY=1\nSTATUS=serving");
	if (ms)
		(void)uv_timer_start(&d->watchdog, on_watchdog, ms, ms);
}

static void look_again(uv_timer_t *t)
{
	adopt_end_strays(t->data);
}

static void listed(void *arg, const struct hypervisor_result *r)
{
	struct daemon *d = arg;
	struct err e = ERR_NONE;
	size_t n;

	if (d->is_stopping)
		return;
	if (r->rc) {
		fail(d, "cannot list libvirt's domains", &r->err);
		return;
	}
	inject_point("daemon.listed");
	n = adopt_domains(d, r);
	(void)uv_timer_start(&d->late, look_again, LATE_MS, 0);
	restarter_start(&d->restarts, d);
	log_keeper_wake(&d->logs);
	host_claims_wake(&d->claims);
	inject_point("daemon.adopted");
	/* Asking QEMU what it can do took megabytes, once. */
	(void)malloc_trim(0);
	log_host(d, n);
	if (api_start(d, &e)) {
		fail(d, "cannot serve the API", &e);
	} else {
		log_info("baileyd: ready on %s", d->config->api_socket);
		tell_manager(d);
	}
}

static void opened(void *arg, const struct hypervisor_result *r)
{
	struct daemon *d = arg;
	struct err e = ERR_NONE;

	if (d->is_stopping)
		return;
	if (r->rc) {
		fail(d, "cannot open the hypervisor", &r->err);
		return;
	}
	if (vsock_choose(d, &e) || hostlink_start(d, &e)) {
		fail(d, "cannot set up vsock", &e);
		return;
	}
	if (adopt_folders(d, &e)) {
		fail(d, "cannot load the VMs", &e);
		return;
	}
	host_claims_start(&d->claims);
	hypervisor_list(d->hypervisor, listed, d);
}

/* A QEMU that libvirt asked what it can do, when we were killed over it: the lock says that none is of now. */
static bool is_probe(const char *pid_file, void *root)
{
	return str_starts(pid_file, root) && str_starts(pid_file + strlen(root), "/lib/qemu/qmp-");
}

static int open_hypervisor(struct daemon *d, struct err *e)
{
	const struct config *c = d->config;
	auto_free char *root = xasprintf("%s/libvirt", c->state);
	const struct hypervisor_options o = {
		.uri = c->libvirt_uri,
		.root = root,
		.user = c->qemu_user,
		.emulator = c->qemu_path,
		.no_kvm = c->accel == CONFIG_ACCEL_TCG,
		.on_event = on_event,
		.on_link = reconnect_on_link,
		.arg = d,
	};

	if (!c->libvirt_uri) {
		strays_end("-pidfile", root, is_probe, root);
		embed_sweep(root);
	}
	return hypervisor_start(&d->hypervisor, d->loop, &o, opened, d, e);
}

int daemon_start(struct daemon *d, uv_loop_t *loop, const struct config *c, struct err *e)
{
	int rc;

	*d = (struct daemon){
		.loop = loop, .config = c, .sysfs = "/sys", .lock_fd = -1, .vm_root = -1
	};
	d->audit = AUDIT_NULL;
	d->discovery = DISCOVERY_NULL;
	d->counts = xnew(struct counts);
	rc = make_folders(d, e);
	if (rc)
		return rc;
	sweep_images(d);
	d->images = image_cache_new();
	(void)uv_signal_init(loop, &d->on_term);
	(void)uv_signal_init(loop, &d->on_int);
	(void)uv_signal_init(loop, &d->on_power);
	(void)uv_timer_init(loop, &d->patience);
	(void)uv_timer_init(loop, &d->watchdog);
	(void)uv_timer_init(loop, &d->late);
	d->late.data = d;
	d->on_term.data = d->on_int.data = d->on_power.data = d->patience.data = d;
	(void)uv_signal_start(&d->on_term, on_signal, SIGTERM);
	(void)uv_signal_start(&d->on_int, on_signal, SIGINT);
	(void)uv_signal_start(&d->on_power, on_power, SIGPWR);
	host_claims_init(&d->claims, d);
	log_keeper_start(&d->logs, d);
	restarter_init(&d->restarts, d);
	disk_guard_start(&d->disk, d);
	rc = http_client_start(&d->http, loop, e);
	if (!rc)
		rc = open_hypervisor(d, e);
	if (rc)
		daemon_stop(d);
	return rc;
}

/* The last part: handles close, the loop runs dry and ends. */
static void close_handles(void *arg)
{
	struct daemon *d = arg;

	uv_close((uv_handle_t *)&d->on_term, NULL);
	uv_close((uv_handle_t *)&d->on_int, NULL);
	uv_close((uv_handle_t *)&d->on_power, NULL);
	uv_close((uv_handle_t *)&d->patience, NULL);
	uv_close((uv_handle_t *)&d->watchdog, NULL);
	uv_close((uv_handle_t *)&d->late, NULL);
	host_claims_stop(&d->claims);
	log_keeper_stop(&d->logs);
	restarter_stop(&d->restarts);
	disk_guard_stop(d->disk);
	d->disk = NULL;
}

static void http_stopped(void *arg)
{
	struct daemon *d = arg;

	http_client_stop(d->http, close_handles, d);
	d->http = NULL;
}

static void hypervisor_stopped(void *arg)
{
	struct daemon *d = arg;

	d->hypervisor = NULL;
	http_stopped(d);
}

static void hostlink_stopped(void *arg)
{
	struct daemon *d = arg;

	hypervisor_stop(d->hypervisor, hypervisor_stopped, d);
}

static void api_stopped(void *arg)
{
	struct daemon *d = arg;
	struct vm *vm;

	agent_probe_stop(d);
	for (vm = d->fleet.first; vm; vm = vm->next)
		hostlink_close(vm);
	hostlink_stop(d, hostlink_stopped, d);
}

static void close_down(struct daemon *d)
{
	if (d->is_closing)
		return;
	d->is_closing = true;
	api_stop(d, api_stopped, d);
}

/* An operation hangs.  It is safe to end in the midst of it: the next start finds and finishes it. */
static void out_of_patience(uv_timer_t *t)
{
	const struct daemon *d = t->data;

	log_warn("baileyd: %u VMs are still busy; ending all the same", d->n_busy);
	_exit(d->exit_code);
}

void daemon_stop(struct daemon *d)
{
	if (d->is_stopping)
		return;
	d->is_stopping = true;
	notify("STOPPING=1");
	pulls_stop(d);
	(void)uv_timer_start(&d->patience, out_of_patience, PATIENCE_MS, 0);
	daemon_idle(d);
}

void daemon_idle(struct daemon *d)
{
	if (d->is_stopping && d->n_busy == 0)
		close_down(d);
	else
		restarter_wake(&d->restarts);
	host_down_idle(d);
	host_claims_wake(&d->claims);
}

void daemon_deinit(struct daemon *d)
{
	fleet_free(&d->fleet);
	pulls_free(d);
	feed_deinit(&d->feed);
	audit_close(&d->audit);
	discovery_end(&d->discovery);
	free(d->counts);
	image_cache_free(d->images);
	free(d->image_dir);
	free(d->vsock_program);
	d->vm_root = fd_close(d->vm_root);
	d->lock_fd = fd_close(d->lock_fd);
}
