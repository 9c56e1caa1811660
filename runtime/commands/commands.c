/* What several commands share. */
#include "runtime/commands/commands.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

int call_container(const struct command_call *call, enum container_open how,
	struct container *ret, struct error *err)
{
	auto_free char *root = options_root(call->global);

	return container_open(root, call->argv[0], how, ret, err);
}

int call_print(const struct str *text, struct error *err)
{
	if (text->length && fd_write_all(STDOUT_FILENO, text->data, text->length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int call_read(
	const struct json_type *type, void *object, const char *path, struct error *err)
{
	struct json_options options = { .name = path };
	auto_fd fd = -1;

	if (str_equal(path, "-"))
		return json_read_fd(type, object, STDIN_FILENO, NULL, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	return json_read_fd(type, object, fd, &options, err);
}

int check_preserve_fds(uint32_t count, struct error *err)
{
	const uint32_t most = 1u << 30; /* of the kernel, whatever fs.nr_open is */

	if (count > most)
		return fail(
			err, "--preserve-fds: %u is more than a process can have", count);
	return 0;
}

int expect_running(const struct container *container, const char *verb, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_RUNNING || status == CONTAINER_CREATED)
		return 0;
	if (status == CONTAINER_STOPPED)
		return fail_code(err, ESRCH,
			"cannot %s container \"%s\": container not running", verb,
			container->state.id);
	return fail_code(err, EBUSY, "cannot %s container \"%s\": it is %s", verb,
		container->state.id, container_status_word(status));
}
