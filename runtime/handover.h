/* Handing a descriptor to whoever listens on a socket that the caller named: the master
 * of a terminal (--console-socket) or a pidfd (--pidfd-socket). `option` is for errors. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

int handover_connect(const char *option, const char *path, int *ret_sock,
	struct error *err) must_check;

/* One message: the text, and with it the descriptor. */
int handover_send(const char *option, int sock, const char *text, int fd,
	struct error *err) must_check;
