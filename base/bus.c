/* sd-bus by dlopen(): connecting and calling, with an end to each wait. */
#include "base/bus.h"

#include <errno.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/library.h"
#include "base/str.h"

#define LIBRARY     "libsystemd.so.0"
#define USEC_IN_SEC UINT64_C(1000000)

/* clang-format off */
static const struct library_symbol symbols[] = {
	{ "sd_bus_new", offsetof(struct bus_library, new) },
	{ "sd_bus_open_system", offsetof(struct bus_library, open_system) },
	{ "sd_bus_open_user", offsetof(struct bus_library, open_user) },
	{ "sd_bus_set_address", offsetof(struct bus_library, set_address) },
	{ "sd_bus_set_bus_client", offsetof(struct bus_library, set_bus_client) },
	{ "sd_bus_start", offsetof(struct bus_library, start) },
	{ "sd_bus_is_ready", offsetof(struct bus_library, is_ready) },
	{ "sd_bus_close_unref", offsetof(struct bus_library, close) },
	{ "sd_bus_message_new_method_call", offsetof(struct bus_library, new_call) },
	{ "sd_bus_message_append", offsetof(struct bus_library, append) },
	{ "sd_bus_message_append_array", offsetof(struct bus_library, append_array) },
	{ "sd_bus_message_open_container", offsetof(struct bus_library, open_container) },
	{ "sd_bus_message_close_container", offsetof(struct bus_library, close_container) },
	{ "sd_bus_message_read", offsetof(struct bus_library, read) },
	{ "sd_bus_message_unref", offsetof(struct bus_library, unref) },
	{ "sd_bus_call", offsetof(struct bus_library, call) },
	{ "sd_bus_match_signal", offsetof(struct bus_library, match_signal) },
	{ "sd_bus_process", offsetof(struct bus_library, process) },
	{ "sd_bus_wait", offsetof(struct bus_library, wait) },
	{ "sd_bus_error_free", offsetof(struct bus_library, error_free) },
};
/* clang-format on */

int bus_load(struct bus *bus, struct error *err)
{
	if (library_open(LIBRARY, symbols, ARRAY_SIZE(symbols), &bus->sd, &bus->handle,
		    err) < 0)
		return fail_while(err, "%s", bus->who);
	return 0;
}

int bus_failure(const struct bus *bus, int result, const char *what, struct error *err)
{
	errno = -result;
	return fail_errno(err, "%s: %s", bus->who, what);
}

void bus_close(struct bus *bus)
{
	/* Nothing is left to flush: every call was answered, or nobody answers. */
	if (bus->connection)
		bus->sd.close(bus->connection);
	bus->connection = NULL;
	library_close(&bus->handle);
}

uint64_t bus_now_usec(void)
{
	return (uint64_t)clock_ns() / 1000;
}

/* Something may accept connections there and never answer: the library would wait longer,
 * and not say for whom. */
int bus_await(struct bus *bus, struct error *err)
{
	uint64_t deadline = bus_now_usec() + bus->timeout_usec;
	int result;

	while ((result = bus->sd.is_ready(bus->connection)) == 0) {
		result = bus->sd.process(bus->connection, NULL);
		if (result == 0 && bus_now_usec() >= deadline)
			return fail_code(err, ETIMEDOUT,
				"%s: connecting to the bus: it did not answer within %d "
				"seconds",
				bus->who, (int)(bus->timeout_usec / USEC_IN_SEC));
		if (result == 0)
			result = bus->sd.wait(bus->connection, deadline - bus_now_usec());
		if (result < 0 && result != -EINTR)
			break;
	}
	return result < 0 ? bus_failure(bus, result, "connecting to the bus", err) : 0;
}

int bus_open_system(struct bus *bus, struct error *err)
{
	int result;

	if (bus_load(bus, err) < 0)
		return -1;
	result = bus->sd.open_system(&bus->connection);
	if (result < 0)
		return bus_failure(bus, result, "connecting to the bus", err);
	return bus_await(bus, err);
}

int bus_call(struct bus *bus, sd_bus_message *message, const char *what,
	sd_bus_message **ret_reply, char **ret_name, struct error *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int result =
		bus->sd.call(bus->connection, message, bus->timeout_usec, &error, &reply);

	bus->sd.unref(message);
	if (result >= 0) {
		if (ret_reply)
			*ret_reply = reply;
		else
			bus->sd.unref(reply);
		return 0;
	}
	if (result == -ETIMEDOUT)
		(void)fail_code(err, ETIMEDOUT,
			"%s: %s: %s did not answer within %d seconds", bus->who, what,
			bus->peer, (int)(bus->timeout_usec / USEC_IN_SEC));
	else if (error.message)
		(void)fail(err, "%s: %s: %s", bus->who, what, error.message);
	else
		(void)bus_failure(bus, result, what, err);
	if (ret_name)
		*ret_name = str_dup(error.name);
	bus->sd.error_free(&error);
	return -1;
}
