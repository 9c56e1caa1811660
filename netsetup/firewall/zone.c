/* Calls of firewalld's D-Bus interface, org.fedoraproject.FirewallD1.zone (firewalld.dbus(5)). */
#include "netsetup/firewall/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bus.h"

#define SERVICE   "org.fedoraproject.FirewallD1"
#define OBJECT    "/org/fedoraproject/FirewallD1"
#define ZONE      SERVICE ".zone"
#define CALL_USEC (10 * UINT64_C(1000000))

/* Where the bus is unless the environment says otherwise: sd_bus_open_system(3). */
#define BUS_SOCKET "/run/dbus/system_bus_socket"

#define auto_bus   __attribute__((cleanup(bus_close))) struct bus

int zone_available(struct error *err)
{
	return 0;
}

static bool has_bus(void)
{
	return getenv("DBUS_SYSTEM_BUS_ADDRESS") || access(BUS_SOCKET, F_OK) == 0;
}

static int open_bus(struct bus *ret, struct error *err)
{
	*ret = (struct bus){
		.who = "firewalld", .peer = "it", .timeout_usec = CALL_USEC
	};
	if (!has_bus())
		return fail_code(err, ENOENT,
			"firewalld: there is no system bus at " BUS_SOCKET
			" by which it could be told of containers");
	return bus_open_system(ret, err);
}

int zone_running(bool *ret, struct error *err)
{
	sd_bus_message *message = NULL;
	sd_bus_message *reply = NULL;
	auto_bus bus = { 0 };
	int has = 0;
	int result;

	*ret = false;
	if (!has_bus())
		return 0;
	if (open_bus(&bus, err) < 0)
		return -1;
	result = bus.sd.new_call(bus.connection, &message, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner");
	if (result >= 0)
		result = bus.sd.append(message, "s", SERVICE);
	if (result < 0)
		return bus_failure(&bus, result, "asking whether it runs", err);
	if (bus_call(&bus, message, "asking whether it runs", &reply, NULL, err) < 0)
		return -1;
	result = bus.sd.read(reply, "b", &has);
	bus.sd.unref(reply);
	if (result < 0)
		return bus_failure(&bus, result, "asking whether it runs", err);
	*ret = has;
	return 0;
}

/* Calls METHOD(zone, source). ret_reply and ret_name as bus_call() has them. */
static int call_zone(struct bus *bus, const char *method, const char *zone,
	const char *source, sd_bus_message **ret_reply, char **ret_name,
	struct error *err)
{
	auto_free char *what = str_format("%s %s in zone \"%s\"", method, source, zone);
	sd_bus_message *message = NULL;
	int result = bus->sd.new_call(
		bus->connection, &message, SERVICE, OBJECT, ZONE, method);

	if (result >= 0)
		result = bus->sd.append(message, "ss", zone, source);
	if (result < 0) {
		bus->sd.unref(message);
		return bus_failure(bus, result, what, err);
	}
	return bus_call(bus, message, what, ret_reply, ret_name, err);
}

/* The address with its whole width, as the reference plugin names it. */
static char *source_of(const struct attachment_address *address)
{
	const char *text = address->address;

	return str_format(
		"%.*s/%d", (int)strcspn(text, "/"), text, strchr(text, ':') ? 128 : 32);
}

static bool has_sources(const struct attachment *record)
{
	return record->zone && record->addresses_count > 0;
}

/* All of firewalld's errors have one name; the code begins the message. */
static bool says(const struct error *err, const char *code)
{
	return strstr(err->text, code);
}

/* Acts on each address of the record; the first failure ends it. */
static int each_source(const struct attachment *record,
	int (*act)(
		struct bus *bus, const char *zone, const char *source, struct error *err),
	struct error *err)
{
	auto_bus bus = { 0 };

	if (!has_sources(record))
		return 0;
	if (open_bus(&bus, err) < 0)
		return -1;
	for (size_t i = 0; i < record->addresses_count; i++) {
		auto_free char *source = source_of(&record->addresses[i]);

		if (act(&bus, record->zone, source, err) < 0)
			return -1;
	}
	return 0;
}

static int add_source(
	struct bus *bus, const char *zone, const char *source, struct error *err)
{
	if (call_zone(bus, "addSource", zone, source, NULL, NULL, err) < 0 &&
		!says(err, "ZONE_ALREADY_SET"))
		return -1;
	return 0;
}

int zone_add(const struct attachment *record, struct error *err)
{
	return each_source(record, add_source, err);
}

static int expect_source(
	struct bus *bus, const char *zone, const char *source, struct error *err)
{
	sd_bus_message *reply = NULL;
	int has = 0;

	if (call_zone(bus, "querySource", zone, source, &reply, NULL, err) < 0)
		return -1;
	(void)bus->sd.read(reply, "b", &has); /* what is no answer is no */
	bus->sd.unref(reply);
	if (!has)
		return fail(err,
			"firewalld has lost %s from its zone \"%s\"; "
			"mocker-netsetup reload restores it",
			source, zone);
	return 0;
}

int zone_check(const struct attachment *record, struct error *err)
{
	return each_source(record, expect_source, err);
}

/* What firewalld knew of sources, it knew only as long as it ran. */
static bool is_gone(const char *name)
{
	static const char *const names[] = { "org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NameHasNoOwner" };

	return str_equal(name, names[0]) || str_equal(name, names[1]);
}

/* Of no zone, or of another's: what is in the zone has been added by us. */
static bool is_of_none(const struct error *err)
{
	return says(err, "UNKNOWN_SOURCE") || says(err, "INVALID_ZONE") ||
	       says(err, "ZONE_CONFLICT");
}

int zone_remove(const struct attachment *record, struct error *err)
{
	auto_bus bus = { 0 };
	int result = 0;

	if (!has_sources(record))
		return 0;
	if (open_bus(&bus, err) < 0)
		return err->errnum == ECONNREFUSED || err->errnum == ENOENT ? 0 : -1;
	for (size_t i = 0; i < record->addresses_count; i++) {
		auto_free char *source = source_of(&record->addresses[i]);
		auto_free char *name = NULL;

		if (call_zone(&bus, "removeSource", record->zone, source, NULL, &name,
			    err) == 0 ||
			is_of_none(err))
			continue;
		if (is_gone(name))
			return result;
		result = -1;
	}
	return result;
}
