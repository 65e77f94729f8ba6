/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size: operations, events and the connection are one state machine; each of them asks for its phase.
 *
 * Operations wait in one list, in the order they came.  One may run when no earlier one for the same domain is
 * still there; an operation that names no domain waits for none.
 *
 * Lifetime: hypervisor_stop() fails what has not begun, waits for what runs, closes the connection on a worker, takes
 * libvirt's handles off the loop, and frees.  Each of these steps is entered when the one before reports its end,
 * so nothing of libvirt's can call into a freed object.
 *
 * A connection that is lost is made again when no operation uses it any more.  Until then what is asked for fails at
 * once.  Whether it is lost is asked of libvirt itself, on the loop; what wakes us to ask may come late or in vain.
 */
#include "domain/hypervisor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "domain/fork_guard.h"
#include "domain/hypervisor_parts.h"
#include "domain/relink.h"
#include "domain/virt_events.h"
#include "loop/work.h"

#define EMBED "qemu:///embed"
#define LOST  "the connection to libvirt is lost; baileyd makes it again by itself"

enum phase { PHASE_OPENING, PHASE_OPEN, PHASE_LOST, PHASE_BROKEN, PHASE_STOPPING, PHASE_CLOSING };

/* How a domain said that it ends; kept from QEMU's word to libvirt's that it has ended. */
struct farewell {
	TAILQ_ENTRY(farewell) link;
	char name[HYPERVISOR_NAME_MAX + 1]; /* of the domain */
	enum hypervisor_reason reason;
};

struct hypervisor {
	uv_loop_t *loop;
	enum phase phase;
	struct hypervisor_link link;
	TAILQ_HEAD(, hypervisor_op) ops;
	TAILQ_HEAD(, farewell) farewells; /* at most one for each domain that runs */
	struct host_caps caps;
	struct relink relink; /* not of the embedded driver, which lives as long as we do */
	bool is_relink_due;
	char trouble[sizeof(LOST) + sizeof(((struct err *)0)->text)];
	void (*on_event)(void *arg, const struct hypervisor_event *ev);
	void (*on_link)(void *arg, bool is_up);
	void *event_arg;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

const char *hypervisor_reason_text(enum hypervisor_reason r)
{
	static const char *const texts[HYPERVISOR_REASON_COUNT] = {
		[HYPERVISOR_REASON_NONE] = "",
		[HYPERVISOR_REASON_SHUTDOWN] = "it ended in good order",
		[HYPERVISOR_REASON_POWER_OFF] = "the guest powered off",
		[HYPERVISOR_REASON_RESET] = "the guest rebooted",
		[HYPERVISOR_REASON_PANIC] = "the guest crashed",
		[HYPERVISOR_REASON_HOST] = "a signal ended QEMU",
		[HYPERVISOR_REASON_DESTROYED] = "killed",
		[HYPERVISOR_REASON_CRASHED] = "QEMU ended unexpectedly",
		[HYPERVISOR_REASON_FAILED] = "QEMU did not start",
	};

	return texts[r];
}

static void advance(struct hypervisor *h);

static void op_free(struct hypervisor_op *op)
{
	free(op->xml);
	free(op->domains);
	free(op);
}

/* An operation on a hypervisor that is not open fails, on the loop, later. */
static int refuse(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	(void)l;
	(void)op;
	return err_set(e, ERR_BAD_STATE, "the connection to libvirt is not open");
}

static int refuse_lost(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	(void)l;
	(void)op;
	return err_set(e, ERR_HYPERVISOR, LOST);
}

static bool uses_link(const struct hypervisor_op *op)
{
	return op->run != refuse && op->run != refuse_lost;
}

static void op_run(void *arg)
{
	struct hypervisor_op *op = arg;

	op->rc = op->run(&op->h->link, op, &op->err);
	if (op->rc < 0 && uses_link(op) && !op->h->link.is_embedded)
		relink_cut(&op->h->relink); /* the loop looks whether it is */
}

static void op_finish(struct hypervisor_op *op)
{
	struct hypervisor *h = op->h;
	const struct hypervisor_result r = { .rc = op->rc,
					     .err = op->err,
					     .domains = op->rc == 0 ? op->domains : NULL,
					     .n_domains = op->rc == 0 ? op->n_domains : 0 };

	TAILQ_REMOVE(&h->ops, op, link);
	if (op->done)
		op->done(op->arg, &r);
	op_free(op);
}

static void op_done(void *arg)
{
	struct hypervisor_op *op = arg;
	struct hypervisor *h = op->h;

	if (h->phase == PHASE_OPENING) {
		h->phase = op->rc == 0 ? PHASE_OPEN : PHASE_BROKEN;
		h->caps = h->link.found;
	}
	op_finish(op);
	advance(h);
}

/* A QEMU that hangs keeps libvirt waiting for the button to be pressed; ending it ends that wait too. */
static bool may_overtake(const struct hypervisor_op *op, const struct hypervisor_op *before)
{
	return before->run == hypervisor_op_press && op->run == hypervisor_op_kill;
}

static bool is_blocked(const struct hypervisor *h, const struct hypervisor_op *op)
{
	const struct hypervisor_op *before;

	TAILQ_FOREACH(before, &h->ops, link) {
		if (before == op)
			break;
		if (op->name[0] && str_equal(before->name, op->name) && !may_overtake(op, before))
			return true;
	}
	return false;
}

static void op_begin(struct hypervisor_op *op)
{
	op->is_running = true;
	work_start(op->h->loop, op_run, op_done, op);
}

static int refuse_name(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	(void)l;
	(void)op;
	return err_set(e, ERR_INPUT, "the name of a domain has at most %d characters",
		       HYPERVISOR_NAME_MAX);
}

static struct hypervisor_op *op_new(struct hypervisor *h, hypervisor_op_fn run, const char *name,
				    hypervisor_done_fn done, void *arg)
{
	struct hypervisor_op *op = xnew(struct hypervisor_op);

	op->h = h;
	op->run = run;
	op->done = done;
	op->arg = arg;
	if (str_copy(op->name, sizeof(op->name), name) < 0)
		op->run = refuse_name;
	TAILQ_INSERT_TAIL(&h->ops, op, link);
	return op;
}

static void submit(struct hypervisor *h, hypervisor_op_fn run, const char *name, const char *xml,
		   hypervisor_done_fn done, void *arg)
{
	struct hypervisor_op *op = op_new(h,
					  h->phase == PHASE_OPEN   ? run
					  : h->phase == PHASE_LOST ? refuse_lost
								   : refuse,
					  name, done, arg);

	op->xml = xml ? xstrdup(xml) : NULL;
	advance(h);
}

static struct farewell *farewell_find(struct hypervisor *h, const char *name)
{
	struct farewell *f;

	TAILQ_FOREACH(f, &h->farewells, link) {
		if (str_equal(f->name, name))
			return f;
	}
	return NULL;
}

static void farewell_drop(struct hypervisor *h, struct farewell *f)
{
	if (f)
		TAILQ_REMOVE(&h->farewells, f, link);
	free(f);
}

static void freed(void *arg)
{
	struct hypervisor *h = arg;
	void (*stopped)(void *arg) = h->stopped;
	void *stopped_arg = h->stopped_arg;

	while (!TAILQ_EMPTY(&h->farewells))
		farewell_drop(h, TAILQ_FIRST(&h->farewells));
	free(h->link.uri);
	free(h->link.root);
	free(h->link.user);
	free(h->link.emulator);
	free(h);
	stopped(stopped_arg);
}

static void freed_of_events(void *arg)
{
	struct hypervisor *h = arg;

	relink_stop(&h->relink, freed);
}

static void closed(void *arg, const struct hypervisor_result *r)
{
	(void)r;
	virt_events_stop(freed_of_events, arg);
}

/* libvirt has one word for a QEMU that did not start and one that crashed: is it being started? */
static bool is_starting(const struct hypervisor *h, const char *name)
{
	const struct hypervisor_op *op;

	TAILQ_FOREACH(op, &h->ops, link) {
		if (op->is_running && op->run == hypervisor_op_run && str_equal(op->name, name))
			return true;
	}
	return false;
}

/* "In good order" says little; QEMU itself said more just before. */
static enum hypervisor_reason reason_for(struct hypervisor *h, const char *name, int detail)
{
	const struct farewell *f = farewell_find(h, name);
	enum hypervisor_reason r = hypervisor_reason_of_event(detail);

	return r == HYPERVISOR_REASON_SHUTDOWN && f ? f->reason : r;
}

static void on_lifecycle(struct hypervisor *h, virDomainPtr d, bool is_started, int detail)
{
	struct hypervisor_event ev = { .is_started = is_started };

	if (!h->on_event || h->phase >= PHASE_STOPPING)
		return;
	if (virDomainGetUUIDString(d, ev.uuid) < 0 ||
	    str_copy(ev.name, sizeof(ev.name), virDomainGetName(d)) < 0)
		return;
	/* A guest that ends at once has said so before libvirt says that it was started. */
	if (!is_started) {
		ev.reason = reason_for(h, ev.name, detail);
		farewell_drop(h, farewell_find(h, ev.name));
	}
	if (ev.reason == HYPERVISOR_REASON_FAILED && !is_starting(h, ev.name))
		ev.reason = HYPERVISOR_REASON_CRASHED;
	h->on_event(h->event_arg, &ev);
}

/* libvirt delivers events from a timer of its event loop, which is ours: so this is on the loop. */
static int on_libvirt_event(virConnectPtr conn, virDomainPtr d, int event, int detail, void *arg)
{
	(void)conn;
	if (event == VIR_DOMAIN_EVENT_STARTED || event == VIR_DOMAIN_EVENT_STOPPED)
		on_lifecycle(arg, d, event == VIR_DOMAIN_EVENT_STARTED, detail);
	return 0;
}

/* QEMU's own event; it comes the same way, before libvirt's. */
static void on_qemu_shutdown(virConnectPtr conn, virDomainPtr d, const char *event,
			     long long seconds, unsigned int micros, const char *details, void *arg)
{
	struct hypervisor *h = arg;
	struct farewell *f;

	(void)conn;
	(void)event;
	(void)seconds;
	(void)micros;
	if (farewell_find(h, virDomainGetName(d)))
		return; /* only the first tells: libvirt then ends the process by a signal */
	f = xnew(struct farewell);
	if (str_copy(f->name, sizeof(f->name), virDomainGetName(d)) < 0) {
		free(f); /* none of ours has so long a name */
		return;
	}
	TAILQ_INSERT_TAIL(&h->farewells, f, link);
	f->reason = hypervisor_reason_of_shutdown(details);
}

/* On whatever thread libvirt saw it. */
static void on_libvirt_close(virConnectPtr conn, int reason, void *arg)
{
	struct hypervisor *h = arg;

	(void)conn;
	(void)reason;
	relink_cut(&h->relink);
}

static bool is_alive(const struct hypervisor *h)
{
	return h->link.conn && virConnectIsAlive(h->link.conn) == 1;
}

static void on_cut(void *arg)
{
	struct hypervisor *h = arg;
	struct hypervisor_op *op;

	if (h->phase != PHASE_OPEN || is_alive(h))
		return;
	h->phase = PHASE_LOST;
	(void)str_copy(h->trouble, sizeof(h->trouble), LOST);
	TAILQ_FOREACH(op, &h->ops, link) {
		if (!op->is_running)
			op->run = refuse_lost;
	}
	relink_again(&h->relink);
	if (h->on_link)
		h->on_link(h->event_arg, false);
}

static void on_relink_due(void *arg)
{
	struct hypervisor *h = arg;

	h->is_relink_due = true;
	advance(h);
}

static void relinked(void *arg, const struct hypervisor_result *r)
{
	struct hypervisor *h = arg;

	if (h->phase != PHASE_LOST)
		return;
	if (r->rc < 0 || !is_alive(h)) {
		(void)str_format(h->trouble, sizeof(h->trouble), LOST "%s%s", r->rc ? ": " : "",
				 r->err.text);
		relink_again(&h->relink);
		return;
	}
	h->caps = h->link.found;
	h->phase = PHASE_OPEN;
	relink_made(&h->relink);
	if (h->on_link)
		h->on_link(h->event_arg, true);
}

/* When nothing uses the old connection any more. */
static bool can_relink(const struct hypervisor *h)
{
	const struct hypervisor_op *op;

	TAILQ_FOREACH(op, &h->ops, link) {
		if (uses_link(op))
			return false;
	}
	return h->phase == PHASE_LOST && h->is_relink_due;
}

/* Begin what can begin; connect again; at the end of stopping, close. */
static void advance(struct hypervisor *h)
{
	struct hypervisor_op *op;

	if (can_relink(h)) {
		h->is_relink_due = false;
		op_begin(op_new(h, hypervisor_op_open, "", relinked, h));
	}

	TAILQ_FOREACH(op, &h->ops, link) {
		if (!op->is_running && !is_blocked(h, op))
			op_begin(op);
	}
	if (h->phase != PHASE_STOPPING || !TAILQ_EMPTY(&h->ops))
		return;
	h->phase = PHASE_CLOSING;
	op_begin(op_new(h, hypervisor_op_close, "", closed, h));
}

static struct hypervisor *make(uv_loop_t *loop, const struct hypervisor_options *o)
{
	struct hypervisor *h = xnew(struct hypervisor);

	h->loop = loop;
	h->on_event = o->on_event;
	h->on_link = o->on_link;
	h->event_arg = o->arg;
	TAILQ_INIT(&h->ops);
	TAILQ_INIT(&h->farewells);
	h->link = (struct hypervisor_link){
		.is_embedded = !o->uri,
		.uri = o->uri ? xstrdup(o->uri) : xasprintf(EMBED "?root=%s", o->root),
		.root = xstrdup(o->root ? o->root : "/"),
		.user = o->user ? xstrdup(o->user) : NULL,
		.emulator = o->emulator ? xstrdup(o->emulator) : NULL,
		.no_kvm = o->no_kvm,
		.lock_fd = -1,
		.event_id = -1,
		.shutdown_id = -1,
		.on_shutdown = on_qemu_shutdown,
		.on_event = on_libvirt_event,
		.on_close = on_libvirt_close,
		.event_arg = h,
	};
	return h;
}

/*
 * What libvirt takes from the environment, unless the operator set it: its warnings go beside QEMU's logs instead of to
 * stderr; and what an unprivileged driver keeps outside of its root must not need a home.
 */
static void set_environment(const struct hypervisor_options *o)
{
	static const char *const folders[] = { "XDG_RUNTIME_DIR", "XDG_CACHE_HOME",
					       "XDG_CONFIG_HOME" };
	auto_free char *log = NULL, *home = NULL;
	size_t i;

	if (o->uri) {
		(void)setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 0);
		return;
	}
	log = xasprintf("3:file:%s/log/libvirt.log", o->root);
	home = xasprintf("%s/home", o->root);
	(void)setenv("LIBVIRT_LOG_OUTPUTS", log, 0);
	for (i = 0; geteuid() != 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)setenv(folders[i], home, 0);
	}
}

int hypervisor_start(struct hypervisor **ret, uv_loop_t *loop, const struct hypervisor_options *o,
		     hypervisor_done_fn opened, void *arg, struct err *e)
{
	struct hypervisor *h;
	int rc;

	if (!o->uri && (!o->root || o->root[0] != '/'))
		return err_set(e, ERR_INPUT, "libvirt's folder \"%s\" is not an absolute path",
			       o->root ? o->root : "");
	set_environment(o);
	fork_guard_enable();
	rc = virt_events_start(loop, e);
	if (rc < 0)
		return rc;
	h = make(loop, o);
	rc = relink_start(&h->relink, loop, on_cut, on_relink_due, h, e);
	assert(rc == 0); /* it needs what virt_events_start() has just got */
	op_begin(op_new(h, hypervisor_op_open, "", opened, arg));
	*ret = h;
	return 0;
}

void hypervisor_stop(struct hypervisor *h, void (*done)(void *arg), void *arg)
{
	struct hypervisor_op *op;

	if (!h) {
		done(arg);
		return;
	}
	assert(h->phase < PHASE_STOPPING);
	h->stopped = done;
	h->stopped_arg = arg;
	TAILQ_FOREACH(op, &h->ops, link) {
		if (!op->is_running)
			op->run = refuse;
	}
	h->phase = PHASE_STOPPING;
	advance(h);
}

const char *hypervisor_trouble(const struct hypervisor *h)
{
	return h->phase == PHASE_LOST ? h->trouble : NULL;
}

const struct host_caps *hypervisor_caps(const struct hypervisor *h)
{
	return &h->caps;
}

void hypervisor_define(struct hypervisor *h, const char *name, const char *xml,
		       hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_define, name, xml, done, arg);
}

void hypervisor_run(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg)
{
	farewell_drop(h, farewell_find(h, name)); /* of a boot whose end nobody told us */
	submit(h, hypervisor_op_run, name, NULL, done, arg);
}

void hypervisor_kill(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_kill, name, NULL, done, arg);
}

void hypervisor_forget(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_forget, name, NULL, done, arg);
}

void hypervisor_press(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_press, name, NULL, done, arg);
}

void hypervisor_query(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_query, name, NULL, done, arg);
}

void hypervisor_list(struct hypervisor *h, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_list, "", NULL, done, arg);
}

void hypervisor_resume_held(struct hypervisor *h, hypervisor_done_fn done, void *arg)
{
	submit(h, hypervisor_op_resume_held, "", NULL, done, arg);
}

int hypervisor_log_path(const struct hypervisor *h, const char *name, char *ret, size_t size)
{
	return str_format(ret, size, "%s/log/%sqemu/%s.log",
			  h->link.is_embedded ? h->link.root : "/var",
			  h->link.is_embedded ? "" : "libvirt/", name) < 0
		       ? -ENAMETOOLONG
		       : 0;
}
