/* A Mockerfile: parsed, planned, every stage walked, shown as JSON. */
#include <string.h>

#include "builder/language/dump.h"
#include "builder/language/lint.h"
#include "builder/language/plan.h"
#include "builder/language/step.h"
#include "tests/fuzz/fuzz.h"

static int load(void *argument, const char *path, char **ret, size_t *ret_length,
	struct error *err)
{
	*ret = str_format("RUN included from %s\nENV a=$b\n", path);
	*ret_length = strlen(*ret);
	return 0;
}

static void walk(const struct plan *plan, const struct stage *stage)
{
	auto_scope scope = { 0 };
	struct error err;

	scope_init(&scope, plan->build_args, &plan->global);
	for (size_t i = 0; i < stage->instruction_count; i++) {
		auto_step step = { 0 };

		if (step_make(stage->instructions[i], &scope, &step, &err) < 0)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mockerfile_loader loader = { load, NULL };
	struct plan_options options = { 0 };
	auto_mockerfile file = { 0 };
	auto_plan plan = { 0 };
	auto_lint_findings findings = { 0 };
	auto_str dump = { 0 };
	struct error err;

	if (size > 16384 || mockerfile_parse("Mockerfile", (const char *)data, size,
				    &loader, &file, &err) < 0)
		return 0;
	mockerfile_dump(&dump, &file);
	(void)!lint_check(&file, NULL, &findings, &err); /* either is fine */
	if (plan_make(&file, &options, &plan, &err) == 0)
		for (size_t i = 0; i < plan.stage_count; i++)
			walk(&plan, &plan.stages[i]);
	return 0;
}
