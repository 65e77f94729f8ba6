/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_words: what PID 1 and the process that speaks to gateways say to each other
 *
 * Wire     SOCK_SEQPACKET.  To the process: 'U' the app is up, 'L' it will be stopped: tell the gateway.  To PID 1: 'E'
 *	    and a text: the first registration failed, or the process cannot go on; 'R' and a text: registered; 'L': the gateway knows that we leave,
 *	    or cannot be told.
 */
#pragma once

enum {
	GATEWAY_WORDS_FD = 3, /* of the process */
	GATEWAY_WORDS_MAX = 600,
	GATEWAY_WORD_UP = 'U',
	GATEWAY_WORD_LEAVE = 'L',
	GATEWAY_WORD_ERROR = 'E',
	GATEWAY_WORD_REGISTERED = 'R',
	GATEWAY_WORD_LEFT = 'L',
};
