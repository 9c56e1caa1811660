/*
 * Readiness of a service, sd_notify(3): where the caller has NOTIFY_SOCKET, the container
 * gets a socket of its own at /run/notify, and what it says of being ready is passed on,
 * with the pid that the service manager knows. Nothing else is: the container is not to
 * speak for us. `run` listens from the beginning, `start` from its own on; both stay until
 * the container is ready or at its end, unless they stay anyway.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct container;
struct oci_config;

/* Adds the mount and the variable, where the caller is asked to tell. */
void notify_configure(struct oci_config *config, const char *root, const char *id);

/* The directory that is mounted; nothing where the caller is not asked. */
int notify_make(const struct container *container, struct error *err) must_check;

/* *ret is -1 where the caller is not asked, or the container was made by one who was not. */
int notify_listen(
	const struct container *container, int *ret, struct error *err) must_check;

/* Reads one message, which must be there; true once the container has said that it is
 * ready, and the service manager was told. */
bool notify_forward(int fd, pid_t main_pid);

/* Until then, or until the process of the pidfd ends. */
int notify_await(int fd, int pidfd, pid_t main_pid, struct error *err) must_check;
