/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed_sweep: what libvirt's embedded driver was kept from putting away when the daemon was killed
 *
 * libvirt believes the notes it keeps of running domains.  One that was written before QEMU had a process makes it
 * wait for that without end, holding the domain; and one whose process number is another process by now, as after a
 * restart of the host, makes it kill that process.  A QEMU that was not started to the end it shows as running and kills
 * a moment later, without a word.  So notes without their QEMU, or of a start that was cut off, are removed before
 * it reads them; a QEMU that is left is a stray.
 *
 * Trusts   files below @root as far as their text goes; nothing outside of it is touched.
 * Thread   any; before the driver is opened, with the state folder locked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Remove notes, and folders of sockets, that belong to no QEMU that runs.  @root is the driver's. */
void embed_sweep(const char *root);

enum { EMBED_FOLDER_MAX = 64 };

struct embed_note {
	int pid;			   /* 0: none yet */
	bool is_starting;		   /* libvirt had not finished starting it */
	char folder[EMBED_FOLDER_MAX + 1]; /* below lib/qemu: "domain-7-..."; "" if it names none */
};

/* Read the text of a note (not terminated).  Return: 1; 0 if it is none. */
int embed_note_parse(const char *text, size_t n, struct embed_note *ret);
