/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims: what one daemon says in public that its VMs have of the host: CIDs of vsock and host ports
 *
 * Pure.  Whoever wrote it may be another user: nothing in it is believed beyond that someone claims it.
 *
 * Wire     lines of text, "\n" after each; the first is "bailey-claims 1", then
 *	      daemon PID STATE		    the process and its state folder
 *	      vm ID CID RUNS PID START NAME one VM; CID 0: none.  RUNS 1: it has a QEMU, or is being given one; PID and
 *					    START (of proc(5), field 22) are that QEMU's, or 0 where not known yet
 *	      port PROTOCOL PORT ADDRESS    of the VM before it; PROTOCOL is tcp or udp
 *	    STATE and NAME reach to the end of the line and are as str_escape() leaves them.  Lines of other kinds
 *	    are skipped.
 * Limits   CLAIMS_MAX bytes, CLAIMS_LINE_MAX each line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"
#include "store/manifest.h"

struct buf;
struct err;

enum { CLAIMS_MAX = 4 * 1024 * 1024, CLAIMS_LINE_MAX = 1200, CLAIMS_TEXT_MAX = 1024 };

enum claim_kind { CLAIM_DAEMON, CLAIM_VM, CLAIM_PORT };

/* One line.  Who is named there is `text`: the state folder or the name of the VM. */
struct claim {
	enum claim_kind kind;
	uint32_t pid;	/* daemon, vm; 0: not known */
	uint64_t start; /* vm */
	bool is_running;
	uint32_t cid;
	char id[VM_ID_MAX + 1];
	char text[CLAIMS_TEXT_MAX];
	struct manifest_port port; /* from, address and protocol */
};

/* Append.  @text is escaped here.  Return: 0 or -EMSGSIZE. */
int claims_add_daemon(struct buf *b, uint32_t pid, const char *state);
int claims_add_vm(struct buf *b, const struct claim *vm);
int claims_add_port(struct buf *b, const struct manifest_port *p);

/* Is it of a version that we read?  Return: 0, and the lines are next; ERR_CORRUPT. */
int claims_begin(struct rd *r, struct err *e);

/* Return: 1 and a line; 0 at the end; ERR_CORRUPT with what is wrong. */
int claims_next(struct rd *r, struct claim *ret, struct err *e);
