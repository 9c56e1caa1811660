/* The names are what /proc/self/fd says. */
#include "runtime/criu/descriptors.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "runtime/criu/options.h"
#include "runtime/criu/wire.h"

#define SIZE_MAX_READ (1u << 20)

/* The file is a list, and what reads JSON reads objects. */
struct wrapped {
	struct strings names;
};

static const struct json_field wrapped_fields[] = {
	JSON_STRINGS(struct wrapped, names, "names"),
	JSON_END,
};
static const struct json_type wrapped_type = JSON_TYPE(struct wrapped, wrapped_fields);

void descriptors_note(struct strings *to)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		char name[256];
		ssize_t length = readlink(fd_path(fd).text, name, sizeof(name) - 1);

		name[MAX(length, 0)] = '\0'; /* a closed one has none */
		strings_add(to, name);
	}
}

int descriptors_save(const struct strings *names, int images_fd, struct error *err)
{
	auto_str text = { 0 };

	str_append_char(&text, '[');
	strings_each (name, names) {
		str_append(&text, name == names->items ? "" : ",");
		json_append_string(&text, *name);
	}
	str_append_char(&text, ']');
	return file_replace_at(images_fd, CRIU_DESCRIPTORS, text.data, text.length,
		(struct file_replace_options){ .mode = 0600 }, err);
}

static void put_pipe(struct str *to, const char *name, int fd)
{
	auto_str pair = { 0 };

	wire_put_text(&pair, 1, name);
	wire_put_number(&pair, 2, fd);
	wire_put_message(to, CRIU_INHERIT_FD, &pair);
}

int descriptors_put(struct str *to, int images_fd, struct error *err)
{
	const struct json_options options = { .name = CRIU_DESCRIPTORS };
	struct wrapped wrapped = { 0 };
	auto_free char *text = NULL;
	auto_str object = { 0 };

	if (file_read_at(images_fd, CRIU_DESCRIPTORS, SIZE_MAX_READ, &text, NULL, err) <
		0)
		return fail_hint(err, "is it a directory of a checkpoint's images?");
	str_appendf(&object, "{\"names\":%s}", text);
	if (json_read(&wrapped_type, &wrapped, object.data, object.length, &options,
		    err) < 0)
		return -1;
	for (size_t i = 0; i < wrapped.names.count && i <= STDERR_FILENO; i++) {
		if (str_after(wrapped.names.items[i], "pipe:"))
			put_pipe(to, wrapped.names.items[i], (int)i);
	}
	json_free(&wrapped_type, &wrapped);
	return 0;
}
