/*
 * D-Bus by libsystemd's sd-bus, which is loaded when a bus is opened: most runs of a program
 * never need it. Every call ends after a while. Only in builds with systemd.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "base/macros.h"

struct bus_library {
	__typeof__(sd_bus_new) *new;
	__typeof__(sd_bus_open_system) *open_system;
	__typeof__(sd_bus_open_user) *open_user;
	__typeof__(sd_bus_set_address) *set_address;
	__typeof__(sd_bus_set_bus_client) *set_bus_client;
	__typeof__(sd_bus_start) *start;
	__typeof__(sd_bus_is_ready) *is_ready;
	__typeof__(sd_bus_close_unref) *close;
	__typeof__(sd_bus_message_new_method_call) *new_call;
	__typeof__(sd_bus_message_append) *append;
	__typeof__(sd_bus_message_append_array) *append_array;
	__typeof__(sd_bus_message_open_container) *open_container;
	__typeof__(sd_bus_message_close_container) *close_container;
	__typeof__(sd_bus_message_read) *read;
	__typeof__(sd_bus_message_unref) *unref;
	__typeof__(sd_bus_call) *call;
	__typeof__(sd_bus_match_signal) *match_signal;
	__typeof__(sd_bus_process) *process;
	__typeof__(sd_bus_wait) *wait;
	__typeof__(sd_bus_error_free) *error_free;
};

struct bus {
	const char *who;       /* begins every error: "the systemd cgroup driver" */
	const char *peer;      /* who answers: "systemd" */
	uint64_t timeout_usec; /* of the connection and of each call */
	struct bus_library sd;
	void *handle;
	sd_bus *connection;
};

int bus_load(struct bus *bus, struct error *err) must_check;
/* Of a connection that was begun, until it stands. */
int bus_await(struct bus *bus, struct error *err) must_check;
/* Both, for the system's bus. */
int bus_open_system(struct bus *bus, struct error *err) must_check;
void bus_close(struct bus *bus);

/* What libsystemd returns is a negative errno. Always -1. */
int bus_failure(const struct bus *bus, int result, const char *what, struct error *err);

/* Sends the message and takes it over. ret_reply may be NULL. On failure *ret_name is the
 * error's name on the bus, where there is one, owned by the caller; it may be NULL. */
int bus_call(struct bus *bus, sd_bus_message *message, const char *what,
	sd_bus_message **ret_reply, char **ret_name, struct error *err) must_check;

uint64_t bus_now_usec(void); /* of the clock that its waits are measured by */
