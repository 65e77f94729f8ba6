/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation: a quote with its log in one piece, as dstack's guests give it (Attest) and its certificates carry it
 *
 * Borrows  the bytes: all pointers of a struct attestation are into them, or into its own quote_room.
 * Trusts   nothing.  Nothing here is verified: neither the quote nor that the log replays to it.
 * Wire     dstack's versioned attestation.  V0 is SCALE: 00, platform, runtime events, report data, config.
 *	    V1 is a MessagePack map: version, platform {kind, data}, stack {kind, data}.  Of platforms only
 *	    TDX is read.  Numbers must have their shortest form in V0; maps of V1 may have any order, but no key
 *	    twice and none that is not known; byte strings that dstack writes as arrays of numbers may be bin.
 *	    No byte may follow.
 * Limits   those of the enum below.  A struct attestation has some 200 KiB: it belongs on the heap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
	ATTESTATION_SIZE_MAX = 10 * 1024 * 1024,
	ATTESTATION_QUOTE_MAX = 32 * 1024,
	ATTESTATION_EVENTS_MAX = 1024,	/* of the firmware's and the kernel's log */
	ATTESTATION_RUNTIME_MAX = 1024, /* of the guest's own */
	ATTESTATION_NAME_MAX = 255,
	ATTESTATION_PAYLOAD_MAX = 1024 * 1024,
	ATTESTATION_RUNTIME_PAYLOAD_MAX = 64 * 1024,
	ATTESTATION_TEXT_MAX = 1024 * 1024,
	ATTESTATION_DIGEST_SIZE = 48,
	ATTESTATION_REPORT_DATA_SIZE = 64,
	ATTESTATION_RUNTIME_TYPE = 0x08000001,
};

enum attestation_form { ATTESTATION_V0, ATTESTATION_V1 };

/* Texts are UTF-8 without NUL, and not terminated. */
struct attestation_bytes {
	const uint8_t *p;
	size_t n;
};

struct attestation_event {
	uint32_t imr, type; /* imr 0 to 3: RTMR */
	struct attestation_bytes
		digest; /* ATTESTATION_DIGEST_SIZE bytes, or none where it is left out */
	struct attestation_bytes name, payload;
	unsigned int version;		   /* 1 or 2; V0 knows 1 only, as of the next */
	struct attestation_bytes preimage; /* text, hex; or none */
};

/* An event of the guest's own log: extends RTMR3, its digest follows from it. */
struct attestation_runtime {
	struct attestation_bytes name, payload;
	unsigned int version;
};

struct attestation {
	enum attestation_form form;
	bool is_pod; /* stack dstack-pod, V1 only */
	struct attestation_bytes quote;
	uint8_t report_data[ATTESTATION_REPORT_DATA_SIZE];
	struct attestation_bytes
		config; /* vm_config as JSON text; of old guests all of .sys-config.json */
	bool has_report_data_payload;		      /* V1 only */
	struct attestation_bytes report_data_payload; /* text */
	size_t n_events, n_runtime;
	struct attestation_event events[ATTESTATION_EVENTS_MAX];
	struct attestation_runtime runtime[ATTESTATION_RUNTIME_MAX];
	uint8_t quote_room[ATTESTATION_QUOTE_MAX]; /* of a quote that came as numbers */
};

enum attestation_verdict {
	ATTESTATION_OK,
	ATTESTATION_TOO_LARGE,
	ATTESTATION_TRUNCATED,
	ATTESTATION_TRAILING,
	ATTESTATION_BAD_VERSION,
	ATTESTATION_BAD_PLATFORM, /* known perhaps, but not TDX */
	ATTESTATION_BAD_STACK,
	ATTESTATION_BAD_NUMBER,
	ATTESTATION_BAD_TYPE,
	ATTESTATION_BAD_KEY, /* not known, twice, or missing */
	ATTESTATION_BAD_TEXT,
	ATTESTATION_BAD_SIZE, /* of a quote, digest, name, payload, report data */
	ATTESTATION_BAD_REGISTER,
	ATTESTATION_TOO_MANY,
	ATTESTATION_VERDICT_COUNT,
};

/* Return: ATTESTATION_OK and *@ret; else the first thing that is wrong, and *@ret is undefined. */
enum attestation_verdict attestation_parse(const void *p, size_t n, struct attestation *ret);

/* What the verdict means, for people.  Static. */
const char *attestation_verdict_text(enum attestation_verdict v);

/* The form that dstack's guests choose: V0 if it can say everything. */
enum attestation_form attestation_form_of(const struct attestation *a);

/*
 * Append @a in the form @form; its own @form does not count.  Return: as buf_add(); -EINVAL for V0 and an
 * attestation that needs V1.
 */
int attestation_write(const struct attestation *a, enum attestation_form form, struct buf *ret);

/*
 * Leave only what a certificate carries: events of RTMR3 and the three of ACPI, without what is told twice.
 * dstack's own stripping leaves version 2 events without digest and preimage, which its verifier then
 * refuses; ours keeps both.
 */
void attestation_strip(struct attestation *a);
