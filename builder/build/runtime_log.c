/* Line by line; a message without the container's ID, which is the builder's own. */
#include "builder/build/runtime_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"

#define RUNTIME_LOG_MAX (64u << 10)

struct line {
	char *level;
	char *message;
};

static const struct json_field line_fields[] = {
	JSON_STRING(struct line, level, "level", .required = true),
	JSON_STRING(struct line, message, "msg", .required = true),
	JSON_END,
};
static const struct json_type line_type = JSON_TYPE(struct line, line_fields);

void runtime_said_free(struct runtime_said *said)
{
	free(said->error);
	free(said->warning);
	*said = (struct runtime_said){ 0 };
}

/* container "ID": MESSAGE */
static const char *without_id(const char *message)
{
	const char *id = str_after(message, "container \"");
	const char *end = id ? strstr(id, "\": ") : NULL;

	return end ? end + strlen("\": ") : message;
}

static void take(char **to, const char *message)
{
	free(*to);
	*to = str_dup(without_id(message));
}

static void read_line(const char *text, struct runtime_said *said)
{
	struct json_options options = { .name = RUNTIME_LOG };
	struct line line = { 0 };
	struct error ignored;

	if (json_read(&line_type, &line, text, strlen(text), &options, &ignored) < 0)
		return;
	if (str_equal(line.level, "error"))
		take(&said->error, line.message);
	else if (str_equal(line.level, "warning") &&
		 str_after(line.message, "container \""))
		take(&said->warning, line.message);
	json_free(&line_type, &line);
}

void runtime_log_read(int directory_fd, struct runtime_said *ret)
{
	auto_free char *text = NULL;
	auto_strings lines = { 0 };
	struct error ignored;

	*ret = (struct runtime_said){ 0 };
	if (file_read_at(directory_fd, RUNTIME_LOG, RUNTIME_LOG_MAX, &text, NULL,
		    &ignored) < 0)
		return;
	strings_split(&lines, text, '\n');
	strings_each (line, &lines)
		read_line(*line, ret);
}
