/*
 * plan_make(): split_stages() cuts the file at its FROMs and resolves their bases,
 * find_needs() draws the graph, choose_target() and order() walk it back from what is
 * wanted. A stage can only need earlier ones, so the graph has no cycles.
 */
#include "builder/language/plan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "builder/language/expand.h"
#include "builder/language/scope.h"
#include "spec/platform.h"

/* ---- platform arguments ---- */

/* PREFIXPLATFORM and its three parts. */
static void set_platform(struct plan *plan, const char *prefix, const char *platform)
{
	static const char *const parts[] = { "OS", "ARCH", "VARIANT" };
	auto_free char *whole = str_format("%sPLATFORM", prefix);
	auto_strings values = { 0 };

	pairs_set(&plan->global, whole, platform);
	strings_split(&values, platform, '/');
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_free char *name = str_format("%s%s", prefix, parts[i]);

		pairs_set(&plan->global, name, i < values.count ? values.items[i] : "");
	}
}

static void set_platforms(struct plan *plan, const struct plan_options *options)
{
	auto_free char *ours = str_format("linux/%s%s%s", platform_architecture(),
		*platform_variant() ? "/" : "", platform_variant());

	set_platform(plan, "BUILD", ours);
	set_platform(plan, "TARGET", options->platform ? options->platform : ours);
	pairs_set(&plan->global, "TARGETSTAGE",
		options->target ? options->target : "default");
}

/* ---- what stands before the first FROM ---- */

static const char *global_lookup(void *argument, const char *name)
{
	const struct plan *plan = argument;

	return pairs_get(&plan->global, name);
}

static int expand_global(const struct plan *plan, const struct instruction *instruction,
	const struct token *token, char **ret, struct error *err)
{
	struct expand_options options = {
		.escape = instruction->line.escape,
		.lookup = global_lookup,
		.argument = (void *)plan,
	};

	if (expand_word(token->text, &options, ret, err) < 0)
		return span_fail_while(instruction_span(instruction, token), err);
	return 0;
}

static int read_global_args(
	struct plan *plan, const struct instruction *instruction, struct error *err)
{
	for (size_t i = 0; i < instruction->arguments.count; i++) {
		auto_free char *text = NULL;
		const char *given;
		char *equals;

		if (expand_global(plan, instruction, &instruction->arguments.items[i],
			    &text, err) < 0)
			return -1;
		equals = strchr(text, '=');
		if (equals)
			*equals = '\0';
		given = plan->build_args ? pairs_get(plan->build_args, text) : NULL;
		if (given)
			pairs_set(&plan->global, text, given);
		else if (equals)
			pairs_set(&plan->global, text, equals + 1);
	}
	return 0;
}

/* ---- stages ---- */

static struct stage *add_stage(struct plan *plan, const struct instruction *from)
{
	struct stage *stage;

	plan->stages =
		str_realloc(plan->stages, plan->stage_count + 1, sizeof(*plan->stages));
	stage = &plan->stages[plan->stage_count];
	*stage = (struct stage){ .index = plan->stage_count++, .from = from };
	return stage;
}

static void add_instruction(struct stage *stage, const struct instruction *instruction)
{
	stage->instructions = str_realloc(stage->instructions,
		stage->instruction_count + 1, sizeof(struct instruction *));
	stage->instructions[stage->instruction_count++] = instruction;
}

static bool is_stage_name(const char *name)
{
	if (!isalpha((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	return true;
}

static int name_stage(
	struct stage *stage, const struct instruction *from, struct error *err)
{
	const struct tokens *arguments = &from->arguments;

	if (arguments->count == 1)
		return 0;
	if (strcasecmp(arguments->items[1].text, "AS") != 0)
		return instruction_fail(from, &arguments->items[1], err,
			"FROM IMAGE is followed by AS and a name, not by \"%s\"",
			arguments->items[1].text);
	if (arguments->count < 3)
		return instruction_fail(
			from, &arguments->items[1], err, "FROM IMAGE AS needs a name");
	if (!is_stage_name(arguments->items[2].text))
		return instruction_fail(from, &arguments->items[2], err,
			"\"%s\" is no name for a stage: it begins with a letter and has letters, digits, - _ and . only",
			arguments->items[2].text);
	stage->name = str_dup(arguments->items[2].text);
	for (char *c = stage->name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static bool has_from(const struct mockerfile *file)
{
	for (size_t i = 0; i < file->instruction_count; i++)
		if (file->instructions[i].kind == INSTRUCTION_FROM)
			return true;
	return false;
}

static int resolve_base(struct plan *plan, struct stage *stage, struct error *err)
{
	const struct instruction *from = stage->from;
	const struct token *platform = NULL;
	struct token value;

	if (expand_global(plan, from, &from->arguments.items[0], &stage->base_name, err) <
		0)
		return -1;
	if (!*stage->base_name && !plan->allow_empty)
		return instruction_fail(from, &from->arguments.items[0], err,
			"FROM \"%s\" is empty once its variables are replaced; does an ARG before the first FROM set them?",
			from->arguments.items[0].text);
	for (size_t i = 0; i < from->flags.count; i++)
		platform = &from->flags.items[i]; /* the only flag there is */
	if (platform) {
		value = *platform;
		value.text += strlen("platform=");
		if (expand_global(plan, from, &value, &stage->platform, err) < 0)
			return -1;
	}
	if (plan_find_stage(plan, stage->base_name, stage->index, &stage->base_stage) &&
		!isdigit((unsigned char)*stage->base_name))
		stage->base = STAGE_BASE_STAGE;
	else if (strcmp(stage->base_name, "scratch") == 0)
		stage->base = STAGE_BASE_SCRATCH;
	else
		stage->base = STAGE_BASE_IMAGE;
	return 0;
}

static int begin_stage(
	struct plan *plan, const struct instruction *from, struct error *err)
{
	struct stage *stage = add_stage(plan, from);

	if (name_stage(stage, from, err) < 0)
		return -1;
	return resolve_base(plan, stage, err);
}

static int split_stages(struct plan *plan, struct error *err)
{
	const struct mockerfile *file = plan->file;

	if (!has_from(file))
		add_stage(plan, NULL)->base = STAGE_BASE_HOST;
	for (size_t i = 0; i < file->instruction_count; i++) {
		const struct instruction *instruction = &file->instructions[i];

		if (instruction->kind == INSTRUCTION_FROM) {
			if (begin_stage(plan, instruction, err) < 0)
				return -1;
		} else if (plan->stage_count > 0) {
			add_instruction(
				&plan->stages[plan->stage_count - 1], instruction);
		} else if (instruction->kind != INSTRUCTION_ARG) {
			return instruction_fail(instruction, NULL, err,
				"%s stands before the first FROM; only ARG may",
				instruction->rule->name);
		} else if (read_global_args(plan, instruction, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/* ---- dependencies ---- */

static bool is_context(const struct plan *plan, const char *name)
{
	return plan->contexts && pairs_get(plan->contexts, name);
}

bool plan_find_stage(
	const struct plan *plan, const char *name, size_t before, size_t *ret_index)
{
	struct error ignored;
	uint32_t number;

	if (is_context(plan, name))
		return false;
	for (size_t i = before; i-- > 0;)
		if (plan->stages[i].name && strcasecmp(plan->stages[i].name, name) == 0)
			return *ret_index = i, true;
	if (str_to_u32(name, "stage", &number, &ignored) < 0 || number >= before)
		return false;
	*ret_index = number;
	return true;
}

static void add_need(struct stage *stage, size_t index)
{
	for (size_t i = 0; i < stage->need_count; i++)
		if (stage->needs[i] == index)
			return;
	stage->needs =
		str_realloc(stage->needs, stage->need_count + 1, sizeof(*stage->needs));
	stage->needs[stage->need_count++] = index;
}

/* A name that is no earlier stage's is an image's, if it can be one. */
static int check_name(const struct plan *plan, const struct stage *stage,
	const struct instruction *instruction, const struct token *token,
	const char *name, struct error *err)
{
	size_t index;

	if (plan_find_stage(plan, name, stage->index, &index) || is_context(plan, name))
		return 0;
	/* A number is no image; and a stage's own name, or a later one's, is a slip. */
	if (*name && strspn(name, "0123456789") == strlen(name))
		return instruction_fail(instruction, token, err,
			"there is no stage %s before this one, which is stage %zu", name,
			stage->index);
	for (size_t i = stage->index; i < plan->stage_count; i++)
		if (plan->stages[i].name && strcasecmp(plan->stages[i].name, name) == 0)
			return instruction_fail(instruction, token, err,
				i == stage->index
					? "stage \"%s\" cannot copy from itself"
					: "stage \"%s\" comes later in the file",
				name);
	return 0;
}

/* "type=bind,from=NAME,...": the NAME, owned by the caller, or NULL. */
static char *mount_from(const char *mount)
{
	while (mount) {
		const char *value = str_after(mount, "from=");

		if (value)
			return str_dup_n(value, strcspn(value, ",\""));
		mount = strchr(mount, ',');
		mount += mount ? 1 : 0;
	}
	return NULL;
}

/* The name of --from or of a mount's from in the flag at *at or one behind it, owned by the
 * caller; *at is then behind that. NULL: there is none. */
static char *next_name(
	const struct instruction *instruction, size_t *at, const struct token **ret_token)
{
	char *name = NULL;

	while (!name && *at < instruction->flags.count) {
		const struct token *token = &instruction->flags.items[(*at)++];
		const char *from = str_after(token->text, "from=");

		*ret_token = token;
		name = from ? str_dup(from)
			    : mount_from(str_after(token->text, "mount="));
	}
	return name;
}

static void find_needs_of(const struct plan *plan, struct stage *stage,
	const struct instruction *instruction)
{
	const struct token *token;
	size_t at = 0, index;
	char *name;

	while ((name = next_name(instruction, &at, &token))) {
		if (plan_find_stage(plan, name, stage->index, &index))
			add_need(stage, index);
		free(name);
	}
}

static void find_needs(const struct plan *plan, struct stage *stage)
{
	if (stage->base == STAGE_BASE_STAGE)
		add_need(stage, stage->base_stage);
	for (size_t i = 0; i < stage->instruction_count; i++)
		find_needs_of(plan, stage, stage->instructions[i]);
}

static int check_names_of(const struct plan *plan, const struct stage *stage,
	const struct instruction *instruction, struct error *err)
{
	const struct token *token;
	size_t at = 0;
	int result = 0;

	while (result == 0) {
		auto_free char *name = next_name(instruction, &at, &token);

		if (!name)
			return 0;
		result = check_name(plan, stage, instruction, token, name, err);
	}
	return result;
}

/* Of the wanted stages alone: what nobody needs may be wrong. */
static int check_names(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->order_count; i++) {
		const struct stage *stage = &plan->stages[plan->order[i]];

		for (size_t j = 0; j < stage->instruction_count; j++)
			if (check_names_of(plan, stage, stage->instructions[j], err) < 0)
				return -1;
	}
	return 0;
}

/* ---- target and order ---- */

static const char *next_stage_name(void *state)
{
	struct {
		const struct plan *plan;
		size_t i;
	} *at = state;

	while (at->i < at->plan->stage_count) {
		const char *name = at->plan->stages[at->i++].name;

		if (name)
			return name;
	}
	return NULL;
}

static int choose_target(struct plan *plan, const char *target, struct error *err)
{
	struct {
		const struct plan *plan;
		size_t i;
	} state = { plan, 0 };
	const char *near;

	plan->target = plan->stage_count - 1;
	if (!target || plan_find_stage(plan, target, plan->stage_count, &plan->target))
		return 0;
	near = str_nearest(target, next_stage_name, &state);
	if (near)
		return fail(err, "%s has no stage \"%s\"; did you mean \"%s\"?",
			plan->file->sources[0]->name, target, near);
	return fail(err, "%s has no stage \"%s\"", plan->file->sources[0]->name, target);
}

/* Needs point backwards only: one pass from the target down marks them all. */
static void order(struct plan *plan)
{
	plan->stages[plan->target].wanted = true;
	for (size_t i = plan->target + 1; i-- > 0;) {
		const struct stage *stage = &plan->stages[i];

		for (size_t j = 0; stage->wanted && j < stage->need_count; j++)
			plan->stages[stage->needs[j]].wanted = true;
	}
	free(plan->order);
	plan->order = str_alloc(plan->stage_count * sizeof(*plan->order));
	plan->order_count = 0;
	for (size_t i = 0; i < plan->stage_count; i++)
		if (plan->stages[i].wanted)
			plan->order[plan->order_count++] = i;
}

static bool declares(const struct instruction *instruction, const char *name)
{
	for (size_t i = 0; i < instruction->arguments.count; i++) {
		const char *rest = str_after(instruction->arguments.items[i].text, name);

		if (rest && (*rest == '=' || !*rest))
			return true;
	}
	return false;
}

static void find_unused_args(struct plan *plan)
{
	for (size_t i = 0; plan->build_args && i < plan->build_args->count; i++) {
		const char *name = plan->build_args->items[i].key;
		bool used = scope_is_proxy(name) || scope_is_platform(name) ||
			    scope_is_builders(name);

		for (size_t j = 0; !used && j < plan->file->instruction_count; j++)
			used = plan->file->instructions[j].kind == INSTRUCTION_ARG &&
			       declares(&plan->file->instructions[j], name);
		if (!used)
			strings_add(&plan->unused_args, name);
	}
}

int plan_make(const struct mockerfile *file, const struct plan_options *options,
	struct plan *ret, struct error *err)
{
	auto_plan plan = {
		.file = file,
		.build_args = options->build_args,
		.contexts = options->contexts,
		.allow_empty = options->allow_empty,
	};

	set_platforms(&plan, options);
	if (split_stages(&plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan.stage_count; i++)
		find_needs(&plan, &plan.stages[i]);
	if (choose_target(&plan, options->target, err) < 0)
		return -1;
	order(&plan);
	if (check_names(&plan, err) < 0)
		return -1;
	find_unused_args(&plan);
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

/* ---- ONBUILD ---- */

static int parse_triggers(const struct stage *stage, const struct strings *triggers,
	struct mockerfile *ret, struct error *err)
{
	auto_free char *name =
		str_format("the ONBUILD instructions of %s", stage->base_name);
	auto_free char *text = strings_join(triggers, "\n");

	return mockerfile_parse(name, text, strlen(text), NULL, ret, err);
}

static int prepend_triggers(struct stage *stage, struct error *err)
{
	auto_free const struct instruction **old = stage->instructions;
	size_t old_count = stage->instruction_count;

	stage->instructions = NULL;
	stage->instruction_count = 0;
	for (size_t i = 0; i < stage->triggers->instruction_count; i++) {
		const struct instruction *trigger = &stage->triggers->instructions[i];

		add_instruction(stage, trigger);
		if (trigger->rule->no_trigger)
			return instruction_fail(trigger, NULL, err,
				"ONBUILD cannot hold %s", trigger->rule->name);
	}
	for (size_t i = 0; i < old_count; i++)
		add_instruction(stage, old[i]);
	return 0;
}

int plan_add_triggers(struct plan *plan, struct stage *stage,
	const struct strings *triggers, struct error *err)
{
	if (triggers->count == 0)
		return 0;
	stage->triggers = str_alloc(sizeof(*stage->triggers));
	if (parse_triggers(stage, triggers, stage->triggers, err) < 0 ||
		prepend_triggers(stage, err) < 0)
		return -1;
	find_needs(plan, stage);
	order(plan);
	return check_names(plan, err);
}

static void stage_free(struct stage *stage)
{
	free(stage->name);
	free(stage->base_name);
	free(stage->platform);
	free(stage->instructions);
	free(stage->needs);
	if (stage->triggers)
		mockerfile_free(stage->triggers);
	free(stage->triggers);
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->stage_count; i++)
		stage_free(&plan->stages[i]);
	free(plan->stages);
	free(plan->order);
	pairs_free(&plan->global);
	strings_free(&plan->unused_args);
	*plan = (struct plan){ 0 };
}
