/* HEALTHCHECK: NONE, or CMD with its times. */
#include <string.h>
#include <strings.h>

#include "builder/language/step_internal.h"

#define MILLISECOND INT64_C(1000000)

static int read_duration(struct step_context *context, const char *name, int64_t *ret)
{
	const struct token *token = step_flag_token(context->instruction, name);
	const char *value;

	if (!token)
		return 0;
	value = strchr(token->text, '=') + 1;
	if (!duration_parse(value, ret))
		return instruction_fail(context->instruction, token, context->err,
			"--%s is a time such as 30s or 1m30s, not \"%s\"", name, value);
	if (*ret > 0 && *ret < MILLISECOND)
		return instruction_fail(context->instruction, token, context->err,
			"--%s is at least 1ms, not \"%s\"", name, value);
	return 0;
}

static int read_retries(struct step_context *context)
{
	const struct token *token = step_flag_token(context->instruction, "retries");
	uint32_t retries;

	if (!token)
		return 0;
	if (str_to_u32(strchr(token->text, '=') + 1, "--retries", &retries,
		    context->err) < 0)
		return span_fail_while(
			instruction_span(context->instruction, token), context->err);
	context->step->health.retries = retries;
	return 0;
}

static int make_none(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;

	if (instruction->arguments.count > 1)
		return instruction_fail(instruction, &instruction->arguments.items[1],
			context->err, "HEALTHCHECK NONE takes no arguments");
	if (instruction->flags.count > 0)
		return instruction_fail(instruction, &instruction->flags.items[0],
			context->err, "HEALTHCHECK NONE takes no flags");
	strings_add(&context->step->health.test, "NONE");
	return 0;
}

int step_make_healthcheck(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	const struct tokens *arguments = &instruction->arguments;
	struct health_check *health = &context->step->health;

	if (strcasecmp(arguments->items[0].text, "NONE") == 0)
		return make_none(context);
	if (strcasecmp(arguments->items[0].text, "CMD") != 0)
		return instruction_fail(instruction, &arguments->items[0], context->err,
			"HEALTHCHECK is followed by CMD or NONE, not \"%s\"",
			arguments->items[0].text);
	if (arguments->count < 2)
		return instruction_fail(instruction, &arguments->items[0], context->err,
			"HEALTHCHECK CMD needs a command");
	strings_add(&health->test, instruction->json ? "CMD" : "CMD-SHELL");
	for (size_t i = 1; i < arguments->count; i++)
		strings_add(&health->test, arguments->items[i].text);
	if (read_duration(context, "interval", &health->interval) < 0 ||
		read_duration(context, "timeout", &health->timeout) < 0 ||
		read_duration(context, "start-period", &health->start_period) < 0 ||
		read_duration(context, "start-interval", &health->start_interval) < 0)
		return -1;
	return read_retries(context);
}
