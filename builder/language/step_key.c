/*
 * What identifies a step for the cache: every word of it as expanded, one a line, its
 * length in front, so that no two steps have the same text. Where an instruction changes
 * nothing (ARG) the key is empty: the RUNs that see the argument carry it in theirs.
 */
#include <string.h>

#include "builder/language/step_internal.h"

static void add(struct str *key, const char *what, const char *text)
{
	if (text)
		str_appendf(key, "%s %zu:%s\n", what, strlen(text), text);
}

static void add_all(struct str *key, const char *what, const struct strings *list)
{
	strings_each (item, list)
		add(key, what, *item);
}

static void add_mount(struct str *key, const struct run_mount *mount)
{
	str_appendf(key, "mount %d %d %d %d %o %u %u %lld\n", (int)mount->type,
		(int)mount->sharing, mount->read_only, mount->required, mount->mode,
		mount->uid, mount->gid, (long long)mount->size);
	add(key, "from", mount->from);
	add(key, "source", mount->source);
	add(key, "target", mount->target);
	add(key, "id", mount->id);
	add(key, "env", mount->env);
}

static void add_run(struct str *key, const struct step *step, const struct scope *scope)
{
	auto_strings environment = { 0 };

	for (size_t i = 0; i < step->run.mount_count; i++)
		add_mount(key, &step->run.mounts[i]);
	str_appendf(key, "network %d security %d\n", (int)step->run.network,
		(int)step->run.security);
	add(key, "script", step->run.script);
	scope_cache_environment(scope, &environment);
	add_all(key, "environment", &environment);
}

static void add_copy(struct str *key, const struct copy_request *copy)
{
	str_appendf(key, "copy %d %d %d %d\n", copy->link, copy->parents,
		copy->keep_git_dir, copy->unpack);
	add_all(key, "source", &copy->sources);
	for (size_t i = 0; i < copy->text_count; i++) {
		add(key, "text", copy->texts[i].name);
		add(key, "content", copy->texts[i].content);
	}
	add(key, "destination", copy->destination);
	add(key, "from", copy->from);
	add(key, "chown", copy->chown);
	add(key, "chmod", copy->chmod);
	add(key, "checksum", copy->checksum);
	add_all(key, "exclude", &copy->exclude);
}

static void add_health(struct str *key, const struct health_check *health)
{
	add_all(key, "test", &health->test);
	str_appendf(key, "health %lld %lld %lld %lld %lld\n", (long long)health->interval,
		(long long)health->timeout, (long long)health->start_period,
		(long long)health->start_interval, (long long)health->retries);
}

char *step_key(const struct step *step, const struct scope *scope)
{
	auto_str key = { 0 };

	if (step->kind == INSTRUCTION_ARG)
		return str_dup("");
	add(&key, "instruction", step->instruction->rule->name);
	add_all(&key, step->shell_form ? "shell" : "exec", &step->argv);
	for (size_t i = 0; i < step->pairs.count; i++) {
		add(&key, "name", step->pairs.items[i].key);
		add(&key, "value", step->pairs.items[i].value);
	}
	add_all(&key, "word", &step->words);
	if (step->kind == INSTRUCTION_RUN)
		add_run(&key, step, scope);
	if (step->kind == INSTRUCTION_COPY || step->kind == INSTRUCTION_ADD)
		add_copy(&key, &step->copy);
	if (step->kind == INSTRUCTION_HEALTHCHECK)
		add_health(&key, &step->health);
	if (step->kind == INSTRUCTION_UNSET)
		str_appendf(&key, "unset %d\n", (int)step->unset);
	return str_take(&key);
}
