/* Limits and devices as properties of a systemd scope. */
#include "runtime/cgroup/systemd_properties.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/cgroup/convert.h"
#include "runtime/process/number_list.h"
#include "spec/resources.h"

#define PERIOD_DEFAULT 100000 /* µs, the kernel's */
#define QUOTA_GRAIN    10000 /* µs of CPU time in a second that systemd can tell apart */

void systemd_properties_free(struct systemd_properties *properties)
{
	for (size_t i = 0; i < properties->count; i++) {
		free(properties->items[i].name);
		free(properties->items[i].text);
		strings_free(&properties->items[i].list);
	}
	free(properties->items);
	*properties = (struct systemd_properties){ 0 };
}

static struct systemd_property *add(
	struct systemd_properties *to, const char *name, enum systemd_kind kind)
{
	to->items = str_realloc(to->items, to->count + 1, sizeof(to->items[0]));
	to->items[to->count] =
		(struct systemd_property){ .name = str_dup(name), .kind = kind };
	return &to->items[to->count++];
}

void systemd_add_bool(struct systemd_properties *to, const char *name, bool value)
{
	add(to, name, SYSTEMD_BOOL)->number = value;
}

void systemd_add_u64(struct systemd_properties *to, const char *name, uint64_t value)
{
	add(to, name, SYSTEMD_U64)->number = value;
}

void systemd_add_string(
	struct systemd_properties *to, const char *name, const char *value)
{
	add(to, name, SYSTEMD_STRING)->text = str_dup(value);
}

/* -1 is "infinity", 0 was not asked. */
static void add_limit(struct systemd_properties *to, const char *name, int64_t value)
{
	if (value)
		systemd_add_u64(to, name, value < 0 ? UINT64_MAX : (uint64_t)value);
}

static void add_quota(struct systemd_properties *to, const struct oci_cpu *cpu)
{
	uint64_t period = cpu->period ? cpu->period : PERIOD_DEFAULT;
	uint64_t per_second = UINT64_MAX;

	if (cpu->period)
		systemd_add_u64(to, "CPUQuotaPeriodUSec", cpu->period);
	if (!cpu->quota && !cpu->period)
		return;
	if (cpu->quota > 0) {
		per_second = (uint64_t)((unsigned __int128)cpu->quota * 1000000 / period);
		/* Up: a container must not get less than was asked. */
		per_second = (per_second + QUOTA_GRAIN - 1) / QUOTA_GRAIN * QUOTA_GRAIN;
	}
	systemd_add_u64(to, "CPUQuotaPerSecUSec", per_second);
}

/* A mask, the lowest number in the lowest bit of the first byte. */
static int add_mask(struct systemd_properties *to, const char *name, const char *list,
	const char *field, struct error *err)
{
	struct number_list numbers;
	struct systemd_property *property;
	size_t length;

	if (!list || !*list)
		return 0;
	if (number_list_parse(list, field, &numbers, err) < 0)
		return -1;
	length = numbers.last / 8 + 1;
	property = add(to, name, SYSTEMD_BYTES);
	property->number = length;
	property->text = str_alloc(length);
	for (size_t i = 0; i < length; i++)
		property->text[i] =
			(char)(numbers.bits[i / sizeof(long)] >> (i % sizeof(long) * 8));
	return 0;
}

static int add_memory(struct systemd_properties *to, const struct oci_memory *memory,
	bool unified, const char *prefix, struct error *err)
{
	int64_t swap;

	add_limit(to, unified ? "MemoryMax" : "MemoryLimit", memory->limit);
	if (!unified)
		return 0;
	add_limit(to, "MemoryLow", memory->reservation);
	if (!memory->swap)
		return 0;
	if (cgroup_swap_of_memsw(memory->swap, memory->limit, prefix, &swap, err) < 0)
		return -1;
	systemd_add_u64(to, "MemorySwapMax", swap < 0 ? UINT64_MAX : (uint64_t)swap);
	return 0;
}

static int add_cpu(struct systemd_properties *to, const struct oci_cpu *cpu, bool unified,
	const char *prefix, struct error *err)
{
	auto_free char *cpus = str_format("%s/cpu/cpus", prefix);
	auto_free char *mems = str_format("%s/cpu/mems", prefix);

	if (cpu->shares && unified)
		systemd_add_u64(to, "CPUWeight", cgroup_weight_of_shares(cpu->shares));
	else if (cpu->shares)
		systemd_add_u64(to, "CPUShares", cpu->shares);
	add_quota(to, cpu);
	if (!unified)
		return 0; /* systemd leaves version 1's cpuset to others */
	if (add_mask(to, "AllowedCPUs", cpu->cpus, cpus, err) < 0)
		return -1;
	return add_mask(to, "AllowedMemoryNodes", cpu->mems, mems, err);
}

int systemd_add_limits(struct systemd_properties *to,
	const struct oci_resources *resources, bool unified, const char *prefix,
	struct error *err)
{
	uint16_t weight = resources->block_io.weight;

	if (add_memory(to, &resources->memory, unified, prefix, err) < 0 ||
		add_cpu(to, &resources->cpu, unified, prefix, err) < 0)
		return -1;
	if (weight && unified)
		systemd_add_u64(to, "IOWeight", cgroup_io_weight(weight));
	else if (weight)
		systemd_add_u64(to, "BlockIOWeight", weight);
	add_limit(to, "TasksMax", resources->pids.limit);
	return 0;
}

/* systemd only knows lists of what is allowed, by node or by the name of a driver; our
 * own program or writes say the rest. */
void systemd_add_devices(
	struct systemd_properties *to, const struct cgroup_devices *devices)
{
	struct systemd_property *list;

	systemd_add_string(to, "DevicePolicy", devices->allow_all ? "auto" : "strict");
	if (devices->allow_all)
		return;
	list = add(to, "DeviceAllow", SYSTEMD_DEVICES);
	for (size_t i = 0; i < devices->count; i++) {
		const struct cgroup_device_rule *rule = &devices->rules[i];
		const char *kind = rule->type == 'b' ? "block" : "char";

		if (!rule->allow)
			continue;
		if (rule->major == DEVICE_ANY)
			strings_addf(&list->list, "%s-*", kind);
		else if (rule->major == 136 && rule->minor == DEVICE_ANY &&
			 rule->type == 'c')
			strings_add(&list->list, "char-pts");
		else if (rule->minor != DEVICE_ANY)
			strings_addf(&list->list, "/dev/%s/%" PRId64 ":%" PRId64, kind,
				rule->major, rule->minor);
		else
			strings_addf(&list->list, "%s-%" PRId64, kind, rule->major);
		strings_addf(&list->list, "%s%s%s", rule->access & DEVICE_READ ? "r" : "",
			rule->access & DEVICE_WRITE ? "w" : "",
			rule->access & DEVICE_MKNOD ? "m" : "");
	}
}
