/* sd-bus by dlopen(): start, stop and change units, waiting for systemd's jobs. */
#include "runtime/cgroup/systemd_bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define LIBRARY      "libsystemd.so.0"
#define SERVICE      "org.freedesktop.systemd1"
#define OBJECT       "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"
#define CALL_USEC    (25 * UINT64_C(1000000))
#define JOB_USEC     (90 * UINT64_C(1000000)) /* what systemd gives a unit to stop */
#define NO_SUCH_UNIT SERVICE ".NoSuchUnit"
#define UNIT_EXISTS  SERVICE ".UnitExists"

struct library {
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

/* clang-format off */
static const struct symbol {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "sd_bus_new", offsetof(struct library, new) },
	{ "sd_bus_open_system", offsetof(struct library, open_system) },
	{ "sd_bus_open_user", offsetof(struct library, open_user) },
	{ "sd_bus_set_address", offsetof(struct library, set_address) },
	{ "sd_bus_set_bus_client", offsetof(struct library, set_bus_client) },
	{ "sd_bus_start", offsetof(struct library, start) },
	{ "sd_bus_is_ready", offsetof(struct library, is_ready) },
	{ "sd_bus_close_unref", offsetof(struct library, close) },
	{ "sd_bus_message_new_method_call", offsetof(struct library, new_call) },
	{ "sd_bus_message_append", offsetof(struct library, append) },
	{ "sd_bus_message_append_array", offsetof(struct library, append_array) },
	{ "sd_bus_message_open_container", offsetof(struct library, open_container) },
	{ "sd_bus_message_close_container", offsetof(struct library, close_container) },
	{ "sd_bus_message_read", offsetof(struct library, read) },
	{ "sd_bus_message_unref", offsetof(struct library, unref) },
	{ "sd_bus_call", offsetof(struct library, call) },
	{ "sd_bus_match_signal", offsetof(struct library, match_signal) },
	{ "sd_bus_process", offsetof(struct library, process) },
	{ "sd_bus_wait", offsetof(struct library, wait) },
	{ "sd_bus_error_free", offsetof(struct library, error_free) },
};
/* clang-format on */

struct systemd_bus {
	struct library sd;
	void *handle;
	sd_bus *bus;
	/* The job that is waited for, and what became of it. */
	const char *job;
	char *result;
};

static int load(struct systemd_bus *bus, struct error *err)
{
	bus->handle = dlopen(LIBRARY, RTLD_NOW);
	if (!bus->handle)
		return fail(err, "the systemd cgroup driver: loading libsystemd: %s",
			dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *address = dlsym(bus->handle, symbols[i].name);

		if (!address)
			return fail(err,
				"the systemd cgroup driver: " LIBRARY " has no %s",
				symbols[i].name);
		*(void **)((char *)&bus->sd + symbols[i].offset) = address;
	}
	return 0;
}

/* What libsystemd returns is a negative errno. */
static int bus_failure(struct error *err, int result, const char *what)
{
	errno = -result;
	return fail_errno(err, "the systemd cgroup driver: %s", what);
}

/* A caller with an empty environment, as conmon is, has its bus at the usual place. */
static int open_user_bus(struct systemd_bus *bus)
{
	auto_free char *address =
		str_format("unix:path=/run/user/%u/bus", (unsigned)geteuid());
	int result;

	if (getenv("DBUS_SESSION_BUS_ADDRESS") || getenv("XDG_RUNTIME_DIR"))
		return bus->sd.open_user(&bus->bus);
	result = bus->sd.new(&bus->bus);
	if (result >= 0)
		result = bus->sd.set_address(bus->bus, address);
	if (result >= 0)
		result = bus->sd.set_bus_client(bus->bus, 1);
	return result >= 0 ? bus->sd.start(bus->bus) : result;
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

	if (bus->sd.read(message, "uoss", &id, &job, &unit, &result) >= 0 && bus->job &&
		str_equal(job, bus->job) && !bus->result)
		bus->result = str_dup(result);
	return 0;
}

void systemd_bus_close(struct systemd_bus *const *closed)
{
	struct systemd_bus *bus = *closed;

	if (!bus)
		return;
	/* Nothing is left to flush: every call was answered, or nobody answers. */
	if (bus->bus)
		bus->sd.close(bus->bus);
	if (bus->handle)
		(void)dlclose(bus->handle); /* nothing depends on its unloading */
	free(bus->result);
	free(bus);
}

/* ---- calls ------------------------------------------------------------------------- */

/* Sends the message and takes it over. ret_reply may be NULL. On failure *ret_name is the
 * error's name on the bus, where there is one, owned by the caller. */
static int call(struct systemd_bus *bus, sd_bus_message *message, const char *what,
	sd_bus_message **ret_reply, char **ret_name, struct error *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int result = bus->sd.call(bus->bus, message, CALL_USEC, &error, &reply);

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
			"the systemd cgroup driver: %s: systemd did not answer within %d "
			"seconds",
			what, (int)(CALL_USEC / 1000000));
	else if (error.message)
		(void)fail(err, "the systemd cgroup driver: %s: %s", what, error.message);
	else
		(void)bus_failure(err, result, what);
	if (ret_name)
		*ret_name = str_dup(error.name);
	bus->sd.error_free(&error);
	return -1;
}

static int new_call(struct systemd_bus *bus, const char *method, sd_bus_message **ret,
	struct error *err)
{
	int result = bus->sd.new_call(bus->bus, ret, SERVICE, OBJECT, MANAGER, method);

	return result < 0 ? bus_failure(err, result, method) : 0;
}

static uint64_t now_usec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The signal may have come already: it is dispatched here in any case. */
static int wait_for_job(
	struct systemd_bus *bus, const char *job, const char *what, struct error *err)
{
	uint64_t deadline = now_usec() + JOB_USEC;

	bus->job = job;
	free(take_ptr(&bus->result));
	while (!bus->result) {
		int result = bus->sd.process(bus->bus, NULL);

		if (result < 0)
			return bus_failure(err, result, what);
		if (result > 0 || bus->result)
			continue;
		if (now_usec() >= deadline)
			return fail_code(err, ETIMEDOUT,
				"the systemd cgroup driver: %s: the job did not end within %d "
				"seconds",
				what, (int)(JOB_USEC / 1000000));
		result = bus->sd.wait(bus->bus, deadline - now_usec());
		if (result < 0 && result != -EINTR)
			return bus_failure(err, result, what);
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

	if (call(bus, message, what, &reply, ret_name, err) < 0)
		return -1;
	result = bus->sd.read(reply, "o", &path);
	if (result >= 0)
		job = str_dup(path);
	bus->sd.unref(reply);
	return result < 0 ? bus_failure(err, result, what)
			  : wait_for_job(bus, job, what, err);
}

/* Something may accept connections there and never answer: the library would wait longer,
 * and not say for whom. */
static int await_bus(struct systemd_bus *bus, struct error *err)
{
	uint64_t deadline = now_usec() + CALL_USEC;
	int result;

	while ((result = bus->sd.is_ready(bus->bus)) == 0) {
		result = bus->sd.process(bus->bus, NULL);
		if (result == 0 && now_usec() >= deadline)
			return fail_code(err, ETIMEDOUT,
				"the systemd cgroup driver: connecting to the bus: it did "
				"not answer within %d seconds",
				(int)(CALL_USEC / 1000000));
		if (result == 0)
			result = bus->sd.wait(bus->bus, deadline - now_usec());
		if (result < 0 && result != -EINTR)
			break;
	}
	return result < 0 ? bus_failure(err, result, "connecting to the bus") : 0;
}

int systemd_bus_open(bool user, struct systemd_bus **ret, struct error *err)
{
	auto_systemd_bus bus = str_alloc(sizeof(*bus));
	sd_bus_message *subscribe = NULL;
	int result;

	if (check_running(user, err) < 0 || load(bus, err) < 0)
		return -1;
	result = user ? open_user_bus(bus) : bus->sd.open_system(&bus->bus);
	if (result < 0)
		return bus_failure(err, result, "connecting to the bus");
	if (await_bus(bus, err) < 0)
		return -1;
	result = bus->sd.match_signal(
		bus->bus, NULL, SERVICE, OBJECT, MANAGER, "JobRemoved", job_removed, bus);
	if (result < 0)
		return bus_failure(err, result, "listening for jobs");
	/* systemd sends signals only to those who asked. */
	if (new_call(bus, "Subscribe", &subscribe, err) < 0 ||
		call(bus, subscribe, "subscribing to its signals", NULL, NULL, err) < 0)
		return -1;
	*ret = take_ptr(&bus);
	return 0;
}

/* ---- properties -------------------------------------------------------------------- */

static int append_value(const struct library *sd, sd_bus_message *message,
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
static int append_array(const struct library *sd, sd_bus_message *message,
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

static int append_property(const struct library *sd, sd_bus_message *message,
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
static int append_properties(const struct library *sd, sd_bus_message *message,
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
	result = bus->sd.append(message, "ss", unit, "replace");
	if (result >= 0)
		result = append_properties(&bus->sd, message, properties, pid);
	if (result >= 0)
		result = bus->sd.append(message, "a(sa(sv))", 0);
	if (result < 0) {
		bus->sd.unref(message);
		return bus_failure(err, result, what);
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
	if (bus->sd.append(message, "s", unit) < 0) {
		bus->sd.unref(message);
		return;
	}
	if (call(bus, message, "resetting", NULL, NULL, &ignored) < 0)
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
	result = bus->sd.append(message, "ss", unit, "replace");
	if (result < 0) {
		bus->sd.unref(message);
		return bus_failure(err, result, what);
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
	result = bus->sd.append(message, "ssau", unit, "", 1, (uint32_t)0);
	if (result < 0) {
		bus->sd.unref(message);
		return bus_failure(err, result, what);
	}
	return call(bus, message, what, NULL, NULL, err);
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
	result = bus->sd.append(message, "sb", unit, 1);
	if (result >= 0)
		result = append_properties(&bus->sd, message, properties, 0);
	if (result < 0) {
		bus->sd.unref(message);
		return bus_failure(err, result, what);
	}
	return call(bus, message, what, NULL, NULL, err);
}
