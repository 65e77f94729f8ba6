/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent: the HTTP servers of a guest, in a process of their own
 *
 *	vsock port 8000	the host only (CID 2): /api/<Method> of GuestApi
 *	TCP port 8090	anybody: / and /metrics, /prpc/<Method> of Worker; limited in rate for each address; by TLS, too,
 *			once the app has a certificate
 *	dstack.sock	the app: /<Method> of DstackGuest; in /run, where its SDKs look
 *	tappd.sock	the app: /prpc/<Method> of Tappd
 *
 * For who writes an app or a test, all of it can live in one folder that holds what PID 1 would have left
 * (guest.json, runtime_events.log, the files of the share); then external.sock stands for port 8090, and the
 * host is not served.
 *
 * fd 3 is the control socket of PID 1: the datagram 'R' says that both ports are served, 'S' asks to shut down.
 */
#pragma once

enum {
	AGENT_VSOCK_PORT = 8000,
	AGENT_TCP_PORT = 8090,
	AGENT_CONTROL_FD = 3,
	AGENT_IP_RATE = 20,  /* requests a second of one address */
	AGENT_IP_TLS = 16,   /* connections by TLS of one address */
	AGENT_IP_BURST = 60, /* a browser opens the dashboard and its like at once */
	AGENT_BODY_MAX = 1024 * 1024,
	/* evidence of one address: less than all get together (quoting.h), so that one leaves some to others */
	AGENT_EVIDENCE_RATE = 1,
	AGENT_EVIDENCE_BURST = 6,
};

/* Serve until killed, in @folder if it is not NULL.  Return: exit code. */
int agent_run(const char *folder);
