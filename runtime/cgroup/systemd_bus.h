/* The bus on which systemd's manager listens. libsystemd is loaded when this is opened,
 * and every call ends after a while. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/cgroup/systemd_properties.h"

struct systemd_bus;

#define auto_systemd_bus __attribute__((cleanup(systemd_bus_close))) struct systemd_bus *

/* user: the calling user's manager. Fails with "systemd is not running" where it is not;
 * errnum is ENOENT then. */
int systemd_bus_open(bool user, struct systemd_bus **ret, struct error *err) must_check;
void systemd_bus_close(struct systemd_bus *const *bus);

/* Starts a transient unit with a process in it; waits until systemd has done so. */
int systemd_bus_start(struct systemd_bus *bus, const char *unit,
	const struct systemd_properties *properties, pid_t pid,
	struct error *err) must_check;
/* Stops it and waits; one that does not exist is success. */
int systemd_bus_stop(
	struct systemd_bus *bus, const char *unit, struct error *err) must_check;
/* Moves the caller into the unit, also where it may not move itself: between a user's
 * session and what the user's manager runs lies a cgroup of root's. */
int systemd_bus_attach(
	struct systemd_bus *bus, const char *unit, struct error *err) must_check;
int systemd_bus_set(struct systemd_bus *bus, const char *unit,
	const struct systemd_properties *properties, struct error *err) must_check;
