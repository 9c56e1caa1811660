/* RUN: the command, its heredocs, the network and security it asks for. */
#include <string.h>

#include "builder/language/heredoc.h"
#include "builder/language/step_internal.h"

static const struct word networks[] = {
	{ "default", RUN_NETWORK_DEFAULT },
	{ "none", RUN_NETWORK_NONE },
	{ "host", RUN_NETWORK_HOST },
	{ NULL, 0 },
};

static const struct word securities[] = {
	{ "sandbox", RUN_SECURITY_SANDBOX },
	{ "insecure", RUN_SECURITY_INSECURE },
	{ NULL, 0 },
};

static int read_word_flag(struct step_context *context, const char *name,
	const struct word *table, int64_t *ret)
{
	const struct token *token = step_flag_token(context->instruction, name);
	auto_free char *value = NULL;

	if (!token)
		return 0;
	if (step_expand_flag(context, name, &value) < 0)
		return -1;
	if (word_to_number(table, value, ret))
		return 0;
	(void)word_fail(table, token->text, value, context->err);
	return span_fail_while(
		instruction_span(context->instruction, token), context->err);
}

static int read_mounts(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	struct run_request *run = &context->step->run;

	for (size_t i = 0; i < instruction->flags.count; i++) {
		const struct token *token = &instruction->flags.items[i];
		const char *text = str_after(token->text, "mount=");
		struct run_mount mount = { 0 };

		if (!text)
			continue;
		if (run_mount_parse(context, token, text, &mount) < 0) {
			run_mount_free(&mount);
			return -1;
		}
		run->mounts = str_realloc(
			run->mounts, run->mount_count + 1, sizeof(*run->mounts));
		run->mounts[run->mount_count++] = mount;
	}
	return 0;
}

static bool read_device_word(const char *word, bool first, struct run_device *ret)
{
	const char *name = str_after(word, "name=");

	if (str_equal(word, "required") || str_equal(word, "required=true"))
		ret->required = true;
	else if (str_equal(word, "required=false"))
		ret->required = false;
	else if (name || (first && (strchr(word, '/') || !strchr(word, '='))))
		ret->pattern =
			str_dup(name ? name : word); /* VENDOR/CLASS=NAME has a "=" */
	else
		return false;
	return true;
}

static int read_device(
	struct step_context *context, const struct token *token, const char *text)
{
	struct span span = instruction_span(context->instruction, token);
	struct run_request *run = &context->step->run;
	auto_strings words = { 0 };
	struct run_device *device;

	strings_split(&words, text, ',');
	run->devices =
		str_realloc(run->devices, run->device_count + 1, sizeof(*run->devices));
	device = &run->devices[run->device_count++];
	*device = (struct run_device){ 0 };
	strings_each (word, &words) {
		if (device->pattern && str_after(*word, "name="))
			return span_fail(span, context->err, "--device: two names");
		if (!read_device_word(*word, word == words.items, device))
			return span_fail(span, context->err,
				"--device: \"%s\" is not known; expected "
				"[name=]VENDOR/CLASS=DEVICE or required",
				*word);
	}
	if (!device->pattern || !*device->pattern)
		return span_fail(
			span, context->err, "--device: expected the name of a device");
	return 0;
}

static int read_devices(struct step_context *context)
{
	const struct tokens *flags = &context->instruction->flags;

	for (size_t i = 0; i < flags->count; i++) {
		struct token token = flags->items[i];
		auto_free char *value = NULL;

		if (!str_after(token.text, "device="))
			continue;
		token.text += strlen("device=");
		if (step_expand(context, &token, &value) < 0 ||
			read_device(context, &flags->items[i], value) < 0)
			return -1;
	}
	return 0;
}

/* RUN <<EOF alone: its text is the script; with "#!" a program of its own. */
static void use_heredoc_as_script(struct step_context *context)
{
	const struct heredoc *heredoc = &context->instruction->heredocs[0];
	struct step *step = context->step;

	if (!str_after(heredoc->content, "#!")) {
		strings_add(&step->argv, heredoc->content);
		step->shell_form = true;
		return;
	}
	step->run.script = str_dup(heredoc->content);
	step->run.script_path = str_format("/dev/pipes/%s", heredoc->name);
	strings_add(&step->argv, step->run.script_path);
}

/* Other heredocs are the shell's own: it gets them back as they stood. */
static void pass_heredocs_on(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	auto_str text = { 0 };

	str_append(&text, instruction->arguments.items[0].text);
	for (size_t i = 0; i < instruction->heredoc_count; i++)
		str_appendf(&text, "\n%s%s", instruction->heredocs[i].content,
			instruction->heredocs[i].name);
	strings_add_take(&context->step->argv, str_take(&text));
	context->step->shell_form = true;
}

static void free_heredoc_name(struct heredoc *heredoc)
{
	free(heredoc->name);
}

int step_make_run(struct step_context *context)
{
	const struct instruction *instruction = context->instruction;
	__attribute__((cleanup(free_heredoc_name))) struct heredoc word = { 0 };

	if (read_devices(context) < 0 || read_mounts(context) < 0 ||
		read_word_flag(
			context, "network", networks, &context->step->run.network) < 0 ||
		read_word_flag(context, "security", securities,
			&context->step->run.security) < 0)
		return -1;
	if (instruction->heredoc_count == 0) {
		context->step->shell_form = !instruction->json;
		for (size_t i = 0; i < instruction->arguments.count; i++)
			strings_add(&context->step->argv,
				instruction->arguments.items[i].text);
	} else if (heredoc_parse_word(instruction->arguments.items[0].text, &word)) {
		use_heredoc_as_script(context);
	} else {
		pass_heredocs_on(context);
	}
	return 0;
}
