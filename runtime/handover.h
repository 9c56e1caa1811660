/*
 * Whoever listens on a socket that the caller or config.json names, and is to get a
 * descriptor: the master of a terminal (--console-socket), a pidfd (--pidfd-socket), that
 * of a filter's notifications (listenerPath). `who` begins the errors.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* A stream, owned by the caller. A signal that asks us to end ends the waiting too where the
 * caller holds signals back (foreground.h). */
int handover_connect(
	const char *who, const char *path, int *ret_sock, struct error *err) must_check;

/* One message: the text, and with it the descriptor. */
int handover_send(const char *who, int sock, const char *text, int fd,
	struct error *err) must_check;
