/*
 * Capabilities by the kernel's own calls: five sets are one capset() and a few prctl(),
 * for which loading a library at every start would cost more than the work itself.
 */
#include "runtime/process/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "spec/names.h"
#include "spec/process.h"

#define CAPS_ALL 64 /* bits of a mask; the kernel's own end is found by asking it */

#define BIT(n)   (UINT64_C(1) << (n))

static const char *name_of(int number)
{
	const char *name = word_of_number(capability_words, number);

	return name ? name : "a capability without a name";
}

static uint64_t mask_of(const struct strings *names, const char *set)
{
	uint64_t mask = 0;

	strings_each (name, names) {
		int number = capability_number(*name);

		/* A name of newer headers than this kernel: known to us, not to it. */
		if (number < 0 || prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0)
			log_warning("/process/capabilities/%s: \"%s\" is unknown to this "
				    "%s and left out",
				set, *name, number < 0 ? "runtime" : "kernel");
		else
			mask |= BIT(number);
	}
	return mask;
}

struct caps caps_plan(const struct oci_process *process)
{
	const struct oci_capabilities *asked = process->capabilities;

	if (!asked)
		return (struct caps){ 0 };
	return (struct caps){
		.bounding = mask_of(&asked->bounding, "bounding"),
		.effective = mask_of(&asked->effective, "effective"),
		.inheritable = mask_of(&asked->inheritable, "inheritable"),
		.permitted = mask_of(&asked->permitted, "permitted"),
		.ambient = mask_of(&asked->ambient, "ambient"),
	};
}

/* Leaves of *set what is in `within`, and says what went, in one line: buildah asks for
 * all that it has where none can be. */
static void restrict_to(uint64_t *set, uint64_t within, const char *name, const char *why)
{
	uint64_t lost = *set & ~within;
	auto_str names = { 0 };

	for (int n = 0; n < CAPS_ALL; n++)
		if (lost & BIT(n))
			str_appendf(&names, "%s%s", names.length ? ", " : "", name_of(n));
	if (lost)
		log_warning("/process/capabilities/%s: %s cannot be granted: %s", name,
			names.data, why);
	*set &= within;
}

static int held(uint64_t *ret_permitted, struct error *err)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return fail_errno(err, "reading the capabilities of this process");
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

bool caps_has(unsigned capability)
{
	struct error ignored;
	uint64_t permitted;

	return held(&permitted, &ignored) == 0 && permitted & BIT(capability);
}

/* The kernel's rule. runc's own default config asks for these three in ambient and leaves
 * inheritable empty, and so does many a config that began as it: nobody is warned of that. */
static void restrict_ambient(struct caps *caps)
{
	const uint64_t runcs =
		BIT(CAP_AUDIT_WRITE) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE);
	uint64_t within = caps->permitted & caps->inheritable;

	if ((caps->ambient & ~within) == runcs)
		caps->ambient &= within;
	restrict_to(
		&caps->ambient, within, "ambient", "not both permitted and inheritable");
}

static void restrict_to_held(struct caps *caps, uint64_t bounding, uint64_t permitted)
{
	const char *missing = "not among the runtime's own";

	restrict_ambient(caps); /* first: what is missing is told once */
	restrict_to(&caps->bounding, bounding, "bounding",
		"not in the runtime's bounding set");
	restrict_to(&caps->permitted, permitted, "permitted", missing);
	restrict_to(&caps->inheritable, permitted, "inheritable", missing);
	restrict_to(&caps->effective, caps->permitted, "effective", "not permitted");
	caps->ambient &= caps->permitted & caps->inheritable;
}

/* Drops what is not asked for, and tells which of the rest is there; the kernel's EINVAL
 * is the end of its list. */
static int drop_others(uint64_t asked, uint64_t *ret_present, struct error *err)
{
	uint64_t present = 0;

	for (int n = 0; n < CAPS_ALL; n++) {
		bool keep = asked & BIT(n);
		int result = prctl(keep ? PR_CAPBSET_READ : PR_CAPBSET_DROP, n, 0, 0, 0);

		if (result < 0 && errno == EINVAL)
			break;
		if (result < 0) {
			(void)fail_errno(
				err, "dropping %s from the bounding set", name_of(n));
			return fail_hint(err, "that needs CAP_SETPCAP");
		}
		if (keep && result)
			present |= BIT(n);
	}
	*ret_present = present;
	return 0;
}

int caps_drop_bounding(struct caps *caps, struct error *err)
{
	uint64_t permitted, bounding;

	if (held(&permitted, err) < 0 || drop_others(caps->bounding, &bounding, err) < 0)
		return -1;
	restrict_to_held(caps, bounding, permitted);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return fail_errno(err, "keeping capabilities over the change of user");
	return 0;
}

static int raise_ambient(uint64_t ambient, struct error *err)
{
	/* EINVAL: a kernel before 4.3, which is no matter if nothing is to be raised */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && ambient)
		return fail_errno(err, "clearing the ambient capabilities");
	for (int n = 0; n < CAPS_ALL; n++)
		if ((ambient & BIT(n)) &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
			return fail_errno(err,
				"/process/capabilities/ambient: raising %s", name_of(n));
	return 0;
}

int caps_apply(const struct caps *caps, struct error *err)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{
			.effective = (uint32_t)caps->effective,
			.permitted = (uint32_t)caps->permitted,
			.inheritable = (uint32_t)caps->inheritable,
		},
		{
			.effective = (uint32_t)(caps->effective >> 32),
			.permitted = (uint32_t)(caps->permitted >> 32),
			.inheritable = (uint32_t)(caps->inheritable >> 32),
		},
	};

	if (syscall(SYS_capset, &header, data) < 0)
		return fail_errno(err, "setting the capabilities of the process");
	return raise_ambient(caps->ambient, err);
}

void caps_held(bool joins_user, struct strings *ret)
{
	struct error ignored;
	uint64_t permitted = 0;

	if (!joins_user && held(&permitted, &ignored) < 0)
		return;
	for (int n = 0; n <= caps_last(); n++)
		if ((joins_user || permitted & BIT(n)) &&
			prctl(PR_CAPBSET_READ, n, 0, 0, 0) == 1 &&
			word_of_number(capability_words, n))
			strings_add(ret, name_of(n));
}

int caps_last(void)
{
	int last = CAP_LAST_CAP;

	while (prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
		last--;
	while (prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
		last++;
	return last;
}
