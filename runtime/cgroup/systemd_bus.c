/* Start, stop and change units, waiting for systemd's jobs. */
#include "runtime/cgroup/systemd_bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bus.h"
#include "base/log.h"

#define SERVICE      "org.freedesktop.systemd1"
#define OBJECT       "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"
#define CALL_USEC    (25 * UINT64_C(1000000))
#define JOB_USEC     (90 * UINT64_C(1000000)) /* what systemd gives a unit to stop */
#define NO_SUCH_UNIT SERVICE ".NoSuchUnit"
#define UNIT_EXISTS  SERVICE ".UnitExists"

struct systemd_bus {
	struct bus bus;
	/* The job that is waited for, and what became of it. */
	const char *job;
	char *result;
};

/* A caller with an empty environment, as conmon is, has its bus at the usual place. */
static int open_user_bus(struct systemd_bus *bus)
{
	auto_free char *address =
		str_format("unix:path=/run/user/%u/bus", (unsigned)geteuid());
	int result;

	if (getenv("DBUS_SESSION_BUS_ADDRESS") || getenv("XDG_RUNTIME_DIR"))
		return bus->bus.sd.open_user(&bus->bus.connection);
	result = bus->bus.sd.new(&bus->bus.connection);
	if (result >= 0)
		result = bus->bus.sd.set_address(bus->bus.connection, address);
	if (result >= 0)
		result = bus->bus.sd.set_bus_client(bus->bus.connection, 1);
	return result >= 0 ? bus->bus.sd.start(bus->bus.connection) : result;
}

static int check_running(bool user, struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	auto_free char *path =
		!user     ? str_dup("/run/systemd/system")
		: runtime ? str_format("%s/systemd", runtime)
			  : str_format("/run/user/%u/systemd", (unsigned)geteuid());

	if (access(path, F_OK) == 0)
		return 0;
	(void)fail_code(err, ENOENT,
		"the systemd cgroup driver: systemd is not running%s (%s is absent)",
		user ? " for this user" : "", path);
	return fail_hint(err, "use --cgroup-manager=cgroupfs");
}

static int job_removed(sd_bus_message *message, void *argument, sd_bus_error *error)
{
	struct systemd_bus *bus = argument;
	const char *job, *unit, *result;
	uint32_t id;

	if (bus->bus.sd.read(message, "uoss", &id, &job, &unit, &result) >= 0 &&
		bus->job && str_equal(job, bus->job) && !bus->result)
		bus->result = str_dup(result);
	return 0;
}

void systemd_bus_close(struct systemd_bus *const *closed)
{
	struct systemd_bus *bus = *closed;

	if (!bus)
		return;
	bus_close(&bus->bus);
	free(bus->result);
	free(bus);
}

/* ---- calls ------------------------------------------------------------------------- */

static int new_call(struct systemd_bus *bus, const char *method, sd_bus_message **ret,
	struct error *err)
{
	int result = bus->bus.sd.new_call(
		bus->bus.connection, ret, SERVICE, OBJECT, MANAGER, method);

	return result < 0 ? bus_failure(&bus->bus, result, method, err) : 0;
}

/* The signal may have come already: it is dispatched here in any case. */
static int wait_for_job(
	struct systemd_bus *bus, const char *job, const char *what, struct error *err)
{
	uint64_t deadline = bus_now_usec() + JOB_USEC;

	bus->job = job;
	free(take_ptr(&bus->result));
	while (!bus->result) {
		int result = bus->bus.sd.process(bus->bus.connection, NULL);

		if (result < 0)
			return bus_failure(&bus->bus, result, what, err);
		if (result > 0 || bus->result)
			continue;
		if (bus_now_usec() >= deadline)
			return fail_code(err, ETIMEDOUT,
				"the systemd cgroup driver: %s: the job did not end within %d "
				"seconds",
				what, (int)(JOB_USEC / 1000000));
		result = bus->bus.sd.wait(bus->bus.connection, deadline - bus_now_usec());
		if (result < 0 && result != -EINTR)
			return bus_failure(&bus->bus, result, what, err);
	}
	bus->job = NULL;
	if (!str_equal(bus->result, "done"))
		return fail(err,
			"the systemd cgroup driver: %s: the job's result is \"%s\"", what,
			bus->result);
	return 0;
}

/* Calls, and waits for the job whose path is the reply. */
static int call_job(struct systemd_bus *bus, sd_bus_message *message, const char *what,
	char **ret_name, struct error *err)
{
	sd_bus_message *reply = NULL;
	auto_free char *job = NULL;
	const char *path;
	int result;

	if (bus_call(&bus->bus, message, what, &reply, ret_name, err) < 0)
		return -1;
	result = bus->bus.sd.read(reply, "o", &path);
	if (result >= 0)
		job = str_dup(path);
	bus->bus.sd.unref(reply);
	return result < 0 ? bus_failure(&bus->bus, result, what, err)
			  : wait_for_job(bus, job, what, err);
}

int systemd_bus_open(bool user, struct systemd_bus **ret, struct error *err)
{
	auto_systemd_bus bus = str_alloc(sizeof(*bus));
	sd_bus_message *subscribe = NULL;
	int result;

	bus->bus = (struct bus){ .who = "the systemd cgroup driver",
		.peer = "systemd",
		.timeout_usec = CALL_USEC };
	if (check_running(user, err) < 0 || bus_load(&bus->bus, err) < 0)
		return -1;
	result =
		user ? open_user_bus(bus) : bus->bus.sd.open_system(&bus->bus.connection);
	if (result < 0)
		return bus_failure(&bus->bus, result, "connecting to the bus", err);
	if (bus_await(&bus->bus, err) < 0)
		return -1;
	result = bus->bus.sd.match_signal(bus->bus.connection, NULL, SERVICE, OBJECT,
		MANAGER, "JobRemoved", job_removed, bus);
	if (result < 0)
		return bus_failure(&bus->bus, result, "listening for jobs", err);
	/* systemd sends signals only to those who asked. */
	if (new_call(bus, "Subscribe", &subscribe, err) < 0 ||
		bus_call(&bus->bus, subscribe, "subscribing to its signals", NULL, NULL,
			err) < 0)
		return -1;
	*ret = take_ptr(&bus);
	return 0;
}

/* ---- properties -------------------------------------------------------------------- */

static int append_value(const struct bus_library *sd, sd_bus_message *message,
	const struct systemd_property *property)
{
	switch (property->kind) {
	case SYSTEMD_BOOL:
		return sd->append(message, "v", "b", (int)property->number);
	case SYSTEMD_U64:
		return sd->append(message, "v", "t", property->number);
	case SYSTEMD_I64:
		return sd->append(message, "v", "x", (int64_t)property->number);
	case SYSTEMD_U32:
		return sd->append(message, "v", "u", (uint32_t)property->number);
	case SYSTEMD_I32:
		return sd->append(message, "v", "i", (int32_t)property->number);
	case SYSTEMD_DOUBLE:
		return sd->append(message, "v", "d", property->real);
	case SYSTEMD_STRING:
		return sd->append(message, "v", "s", property->text);
	default:
		return -EINVAL;
	}
}

/* "as", "ay" and "a(ss)" inside their variant. */
static int append_array(const struct bus_library *sd, sd_bus_message *message,
	const struct systemd_property *property)
{
	const struct strings *list = &property->list;
	const char *signature = property->kind == SYSTEMD_STRINGS ? "as"
				: property->kind == SYSTEMD_BYTES ? "ay"
								  : "a(ss)";
	int result = sd->open_container(message, 'v', signature);

	if (result < 0)
		return result;
	if (property->kind == SYSTEMD_BYTES)
		result = sd->append_array(message, 'y', property->text, property->number);
	else
		result = sd->open_container(message, 'a', signature + 1);
	if (property->kind == SYSTEMD_STRINGS)
		for (size_t i = 0; i < list->count && result >= 0; i++)
			result = sd->append(message, "s", list->items[i]);
	else if (property->kind == SYSTEMD_DEVICES)
		for (size_t i = 0; i + 1 < list->count && result >= 0; i += 2)
			result = sd->append(
				message, "(ss)", list->items[i], list->items[i + 1]);
	if (result >= 0 && property->kind != SYSTEMD_BYTES)
		result = sd->close_container(message);
	return result < 0 ? result : sd->close_container(message);
}

static int append_property(const struct bus_library *sd, sd_bus_message *message,
	const struct systemd_property *property)
{
	bool array = property->kind == SYSTEMD_STRINGS ||
		     property->kind == SYSTEMD_BYTES || property->kind == SYSTEMD_DEVICES;
	int result = sd->open_container(message, 'r', "sv");

	if (result >= 0)
		result = sd->append(message, "s", property->name);
	if (result >= 0)
		result = array ? append_array(sd, message, property)
			       : append_value(sd, message, property);
	return result < 0 ? result : sd->close_container(message);
}

/* "a(sv)"; with the process that the unit is to hold, if pid is not 0. */
static int append_properties(const struct bus_library *sd, sd_bus_message *message,
	const struct systemd_properties *properties, pid_t pid)
{
	int result = sd->open_container(message, 'a', "(sv)");

	for (size_t i = 0; i < properties->count && result >= 0; i++)
		result = append_property(sd, message, &properties->items[i]);
	if (result >= 0 && pid)
		result = sd->append(message, "(sv)", "PIDs", "au", 1, (uint32_t)pid);
	return result < 0 ? result : sd->close_container(message);
}

/* ---- units ------------------------------------------------------------------------- */

static int start(struct systemd_bus *bus, const char *unit,
	const struct systemd_properties *properties, pid_t pid, char **ret_name,
	struct error *err)
{
	auto_free char *what = str_format("starting %s", unit);
	sd_bus_message *message = NULL;
	int result;

	if (new_call(bus, "StartTransientUnit", &message, err) < 0)
		return -1;
	result = bus->bus.sd.append(message, "ss", unit, "replace");
	if (result >= 0)
		result = append_properties(&bus->bus.sd, message, properties, pid);
	if (result >= 0)
		result = bus->bus.sd.append(message, "a(sa(sv))", 0);
	if (result < 0) {
		bus->bus.sd.unref(message);
		return bus_failure(&bus->bus, result, what, err);
	}
	return call_job(bus, message, what, ret_name, err);
}

/* A unit that failed stays, by name, until somebody says so. */
static void reset_failed(struct systemd_bus *bus, const char *unit)
{
	sd_bus_message *message = NULL;
	struct error ignored; /* most units have not failed */

	if (new_call(bus, "ResetFailedUnit", &message, &ignored) < 0)
		return;
	if (bus->bus.sd.append(message, "s", unit) < 0) {
		bus->bus.sd.unref(message);
		return;
	}
	if (bus_call(&bus->bus, message, "resetting", NULL, NULL, &ignored) < 0)
		log_debug("%s", ignored.text);
}

int systemd_bus_start(struct systemd_bus *bus, const char *unit,
	const struct systemd_properties *properties, pid_t pid, struct error *err)
{
	auto_free char *name = NULL;

	if (start(bus, unit, properties, pid, &name, err) == 0)
		return 0;
	if (!str_equal(name, UNIT_EXISTS))
		return -1;
	reset_failed(bus, unit);
	return start(bus, unit, properties, pid, NULL, err);
}

int systemd_bus_stop(struct systemd_bus *bus, const char *unit, struct error *err)
{
	auto_free char *what = str_format("stopping %s", unit);
	auto_free char *name = NULL;
	sd_bus_message *message = NULL;
	int result;

	if (new_call(bus, "StopUnit", &message, err) < 0)
		return -1;
	result = bus->bus.sd.append(message, "ss", unit, "replace");
	if (result < 0) {
		bus->bus.sd.unref(message);
		return bus_failure(&bus->bus, result, what, err);
	}
	if (call_job(bus, message, what, &name, err) < 0 &&
		!str_equal(name, NO_SUCH_UNIT))
		return -1;
	reset_failed(bus, unit);
	return 0;
}

int systemd_bus_attach(struct systemd_bus *bus, const char *unit, struct error *err)
{
	auto_free char *what = str_format("moving a process into %s", unit);
	sd_bus_message *message = NULL;
	int result;

	if (new_call(bus, "AttachProcessesToUnit", &message, err) < 0)
		return -1;
	/* Process 0 is whoever calls. */
	result = bus->bus.sd.append(message, "ssau", unit, "", 1, (uint32_t)0);
	if (result < 0) {
		bus->bus.sd.unref(message);
		return bus_failure(&bus->bus, result, what, err);
	}
	return bus_call(&bus->bus, message, what, NULL, NULL, err);
}

int systemd_bus_set(struct systemd_bus *bus, const char *unit,
	const struct systemd_properties *properties, struct error *err)
{
	auto_free char *what = str_format("changing %s", unit);
	sd_bus_message *message = NULL;
	int result;

	if (!properties->count)
		return 0;
	if (new_call(bus, "SetUnitProperties", &message, err) < 0)
		return -1;
	result = bus->bus.sd.append(message, "sb", unit, 1);
	if (result >= 0)
		result = append_properties(&bus->bus.sd, message, properties, 0);
	if (result < 0) {
		bus->bus.sd.unref(message);
		return bus_failure(&bus->bus, result, what, err);
	}
	return bus_call(&bus->bus, message, what, NULL, NULL, err);
}
