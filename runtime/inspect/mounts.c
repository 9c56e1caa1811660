/* The mounts that the first process sees, by its mountinfo (proc(5)). */
#include "base/cleanup.h"
#include "runtime/inspect/inspect.h"
#include "runtime/mounts/mountinfo.h"
#include "runtime/process/procfs.h"

/* Those of the mount, then those of the file system that are not among them. */
static void take_options(const char *own, const char *of_all, struct strings *to)
{
	auto_strings others = { 0 };

	strings_split(to, own, ',');
	strings_split(&others, of_all, ',');
	strings_each (option, &others) {
		/* A file system may be writable that is mounted read-only. */
		if (!str_equal(*option, "rw") && !strings_contain(to, *option))
			strings_add(to, mountinfo_unescape(*option));
	}
}

static bool parse(const char *line, struct inspect_mount *ret)
{
	auto_mountinfo mount = { 0 };

	if (!mountinfo_parse(line, &mount))
		return false;
	take_options(mount.options, mount.superoptions, &ret->options);
	ret->root = take_ptr(&mount.root);
	ret->destination = take_ptr(&mount.destination);
	ret->type = take_ptr(&mount.type);
	ret->source = take_ptr(&mount.source);
	strings_copy(&ret->propagation, &mount.propagation);
	return true;
}

void inspect_mounts(pid_t pid, struct inspection *to)
{
	auto_free char *text = procfs_read(pid, "mountinfo");
	auto_strings lines = { 0 };

	strings_split(&lines, text ? text : "", '\n');
	to->mounts = str_alloc((lines.count + 1) * sizeof(*to->mounts));
	strings_each (line, &lines) {
		if (parse(*line, &to->mounts[to->mounts_count]))
			to->mounts_count++;
	}
}
