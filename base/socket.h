/*
 * Messages over Unix sockets, each with a descriptor or without: sendmsg(2), recvmsg(2),
 * through EINTR.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"

/* The descriptor goes along unless it is negative, and stays the caller's. Returns the
 * bytes sent, of a stream perhaps not all; -1 with errno. Never SIGPIPE. */
ssize_t socket_send(int sock, const void *data, size_t length, int fd) must_check;

/* Returns the bytes received, 0 at the end, -1 with errno. ret_fd: the descriptor that
 * came along, close-on-exec, owned by the caller; -1 without one. */
ssize_t socket_receive(int sock, void *data, size_t size, int *ret_fd) must_check;
