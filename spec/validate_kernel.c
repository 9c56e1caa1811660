/* The rules for seccomp, resctrl and memory policy. */
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <string.h>

#include "spec/names.h"
#include "spec/validate_private.h"

#define ERRNO_MAX 4095             /* the kernel's MAX_ERRNO */
#define TRACE_MAX SECCOMP_RET_DATA /* what a tracer can be given */

/* ---- seccomp ----------------------------------------------------------------------- */

static void check_errno(struct validation *validation, int64_t action, bool has,
	uint32_t value, struct place place)
{
	uint32_t number = (uint32_t)action;

	if (!has)
		return;
	if (number != SECCOMP_RET_ERRNO && number != SECCOMP_RET_TRACE)
		problem(validation, place, "%s returns no errno",
			word_of_number(seccomp_action_words, action));
	else if (value > (number == SECCOMP_RET_ERRNO ? ERRNO_MAX : TRACE_MAX))
		problem(validation, place, "expected a number up to %u, found %u",
			number == SECCOMP_RET_ERRNO ? ERRNO_MAX : TRACE_MAX, value);
}

static void check_syscall(
	struct validation *validation, const struct oci_syscall *rule, size_t i)
{
	if (!rule->names.count)
		problem(validation, at("/linux/seccomp/syscalls/%zu/names", i),
			"expected at least one system call");
	check_errno(validation, rule->action, rule->has_errno_ret, rule->errno_ret,
		at("/linux/seccomp/syscalls/%zu/errnoRet", i));
	for (size_t k = 0; k < rule->args_count; k++) {
		if (rule->args[k].index > 5)
			problem(validation,
				at("/linux/seccomp/syscalls/%zu/args/%zu/index", i, k),
				"a system call has arguments 0 to 5, found %u",
				rule->args[k].index);
	}
}

void validate_seccomp(struct validation *validation, const struct oci_seccomp *seccomp)
{
	bool listens = seccomp->listener_path && *seccomp->listener_path;

	check_errno(validation, seccomp->default_action, seccomp->has_default_errno_ret,
		seccomp->default_errno_ret, at("/linux/seccomp/defaultErrnoRet"));
	for (size_t i = 0; i < seccomp->syscalls_count; i++)
		check_syscall(validation, &seccomp->syscalls[i], i);
	if (seccomp_notifies(seccomp) && !listens)
		problem(validation, at("/linux/seccomp/listenerPath"),
			"SCMP_ACT_NOTIFY needs a listener, or its system calls would wait for ever");
	if (seccomp->listener_metadata && *seccomp->listener_metadata && !listens)
		problem(validation, at("/linux/seccomp/listenerMetadata"),
			"there is no listenerPath to send it to");
}

/* ---- resctrl ----------------------------------------------------------------------- */

/* "/" is the class of everything that is in no other. */
static bool is_class_name(const char *name)
{
	return strcmp(name, "/") == 0 ||
	       (*name && *name != '.' && !name[strcspn(name, "/\n")]);
}

void validate_intel_rdt(struct validation *validation, const struct oci_intel_rdt *rdt)
{
	if (rdt->clos_id && !is_class_name(rdt->clos_id))
		problem(validation, at("/linux/intelRdt/closID"),
			"expected the name of a directory, found \"%.40s\"",
			rdt->clos_id);
	if (rdt->mem_bw_schema && *rdt->mem_bw_schema &&
		(!str_after(rdt->mem_bw_schema, "MB:") ||
			strchr(rdt->mem_bw_schema, '\n')))
		problem(validation, at("/linux/intelRdt/memBwSchema"),
			"expected one line that begins with \"MB:\", found \"%.40s\"",
			rdt->mem_bw_schema);
	for (size_t i = 0; i < rdt->schemata.count; i++) {
		if (strchr(rdt->schemata.items[i], '\n'))
			problem(validation, at("/linux/intelRdt/schemata/%zu", i),
				"expected one line");
	}
}

/* ---- memory policy: set_mempolicy(2) ------------------------------------------------ */

void validate_memory_policy(
	struct validation *validation, const struct oci_memory_policy *policy)
{
	bool has_nodes = policy->nodes && *policy->nodes;
	bool takes_none = policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL;
	const char *mode = word_of_number(memory_policy_words, policy->mode);
	uint64_t flags = words_bits(&policy->flags);

	if (has_nodes)
		validate_number_list(
			validation, policy->nodes, at("/linux/memoryPolicy/nodes"));
	if (has_nodes && takes_none)
		problem(validation, at("/linux/memoryPolicy/nodes"), "%s takes no nodes",
			mode);
	if (!has_nodes && !takes_none && policy->mode != MPOL_PREFERRED)
		problem(validation, at("/linux/memoryPolicy/nodes"), "%s needs nodes",
			mode);
	if ((flags & MPOL_F_STATIC_NODES) && (flags & MPOL_F_RELATIVE_NODES))
		problem(validation, at("/linux/memoryPolicy/flags"),
			"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	if ((flags & (1 << 13)) && policy->mode != MPOL_BIND && policy->mode != 5)
		problem(validation, at("/linux/memoryPolicy/flags"),
			"MPOL_F_NUMA_BALANCING belongs to MPOL_BIND and MPOL_PREFERRED_MANY");
}
