/* Version 2: a controller works in a directory only if every directory above hands it
 * down in cgroup.subtree_control. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/cgroup/internal.h"

/* The member of config.json that asks something of the controller; NULL: nothing does. */
static const char *asked_by(const struct cgroup_plan *plan, const char *controller)
{
	for (size_t i = 0; i < plan->writes.count; i++) {
		const char *rest = str_after(plan->writes.items[i].file, controller);

		if (rest && *rest == '.')
			return plan->writes.items[i].field;
	}
	return NULL;
}

/* "+cpu +io": what is offered and not yet handed down. Where version 1 has the usual
 * controllers, only those that something is asked of. */
static char *missing(const struct cgroup_plan *plan, const char *enabled)
{
	struct str text = { 0 };
	auto_strings have = { 0 };

	strings_split(&have, enabled, ' ');
	strings_each (controller, &plan->layout.controllers) {
		if (!**controller || strings_contain(&have, *controller))
			continue;
		if (plan->layout.only_unified || asked_by(plan, *controller))
			str_appendf(&text, "%s+%s", text.length ? " " : "", *controller);
	}
	return str_take(&text);
}

static int enable_each(const struct cgroup_plan *plan, const char *file,
	const char *controllers, struct error *err)
{
	auto_strings each = { 0 };
	const char *field;

	strings_split(&each, controllers, ' ');
	strings_each (controller, &each) {
		if (file_write_at(AT_FDCWD, file, *controller, err) == 0)
			continue;
		field = asked_by(plan, *controller + 1);
		if (!field) {
			log_debug("%s", err->text);
			continue;
		}
		(void)fail_while(err, "%s", field);
		return err->errnum == EBUSY
			       ? fail_hint(err,
					 "that cgroup has processes of its own, and version 2 "
					 "then hands no controllers down")
			       : -1;
	}
	return 0;
}

static int enable_in(
	const struct cgroup_plan *plan, const char *directory, struct error *err)
{
	auto_free char *file = path_join(directory, "cgroup.subtree_control");
	auto_free char *enabled = NULL;
	auto_free char *wanted = NULL;
	auto_fd fd = -1;

	if (file_read_at(AT_FDCWD, file, 4096, &enabled, NULL, err) < 0)
		return -1;
	enabled[strcspn(enabled, "\n")] = '\0';
	wanted = missing(plan, enabled);
	if (!*wanted)
		return 0;
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && fd_write_all(fd, wanted, strlen(wanted)) == 0)
		return 0;
	return enable_each(plan, file, wanted, err);
}

int cgroup_enable_controllers(const struct cgroup_plan *plan, const char *mount,
	const char *path, struct error *err)
{
	size_t end = strlen(mount);

	if (!plan->layout.controllers.count)
		return 0;
	/* The mount point, then each directory up to the parent of the last. */
	for (;;) {
		auto_free char *directory = str_dup_n(path, end);
		const char *next = strchr(path + end + 1, '/');

		if (enable_in(plan, directory, err) < 0)
			return -1;
		if (!next)
			return 0;
		end = (size_t)(next - path);
	}
}
