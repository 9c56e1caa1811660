/* Steps that change nothing but the image's config. */
#include "builder/build/settings.h"

#include <search.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"

char *settings_time(const struct build_request *request)
{
	time_t seconds = request->epoch >= 0 ? (time_t)request->epoch : time(NULL);
	char text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return str_dup("1970-01-01T00:00:00Z");
	return str_dup(text);
}

void settings_shell(const struct stage_state *state, struct strings *ret)
{
	const struct strings *shell = &state->image.config.config.shell;

	if (shell->count > 0) {
		strings_copy(ret, shell);
		return;
	}
	strings_add(ret, "/bin/sh");
	strings_add(ret, "-c");
}

static void set_command(
	const struct stage_state *state, const struct step *step, struct strings *list)
{
	strings_free(list);
	if (step->shell_form)
		settings_shell(state, list);
	strings_copy(list, &step->argv);
}

/* An ENTRYPOINT takes away the CMD that the base image had for its own. */
static void set_entrypoint(struct stage_state *state, const struct step *step)
{
	struct image_run_config *config = &state->image.config.config;

	set_command(state, step, &config->entrypoint);
	if (!state->has_cmd)
		strings_free(&config->cmd);
}

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* True if the tree has the word already; it borrows one that it has not. */
static bool has_seen(void **tree, const char *word)
{
	char **node = tsearch(word, tree, compare);

	if (!node)
		str_out_of_memory();
	return *node != word;
}

static void keep(void *borrowed)
{
	(void)borrowed;
}

/* EXPOSE 1-65535 is short. */
static void add_missing(struct strings *list, const struct strings *words)
{
	void *tree = NULL;

	strings_each (item, list)
		(void)has_seen(&tree, *item);
	strings_each (word, words) {
		if (!has_seen(&tree, *word))
			strings_add(list, *word);
	}
	tdestroy(tree, keep);
}

static void replace_text(char **text, const struct step *step)
{
	free(*text);
	*text = str_dup(step->words.count > 0 ? step->words.items[0] : "");
}

static void set_health_check(struct image_run_config *config, const struct step *step)
{
	const struct health_check *check = &step->health;

	if (!config->healthcheck)
		config->healthcheck = str_alloc(sizeof(*config->healthcheck));
	strings_free(&config->healthcheck->test);
	*config->healthcheck = (struct image_healthcheck){
		.interval = check->interval,
		.timeout = check->timeout,
		.start_period = check->start_period,
		.start_interval = check->start_interval,
		.retries = (int)check->retries,
	};
	strings_copy(&config->healthcheck->test, &check->test);
}

static void remove_word(struct strings *list, const char *word, size_t length)
{
	struct strings kept = { 0 };

	strings_each (item, list) {
		if (strncmp(*item, word, length) != 0 || (*item)[length] != '\0')
			strings_add(&kept, *item);
	}
	strings_free(list);
	*list = kept;
}

static void remove_env(struct strings *env, const char *name)
{
	struct strings kept = { 0 };
	size_t length = strlen(name);

	strings_each (item, env) {
		if (strncmp(*item, name, length) != 0 || (*item)[length] != '=')
			strings_add(&kept, *item);
	}
	strings_free(env);
	*env = kept;
}

/* However they are spelt. */
static void remove_volume(struct strings *volumes, const char *name)
{
	auto_free char *wanted = path_clean(name);
	struct strings kept = { 0 };

	strings_each (item, volumes) {
		auto_free char *clean = path_clean(*item);

		if (!str_equal(clean, wanted))
			strings_add(&kept, *item);
	}
	strings_free(volumes);
	*volumes = kept;
}

static size_t count_of(const struct image_run_config *config, int64_t kind)
{
	switch (kind) {
	case UNSET_ENV:
		return config->env.count;
	case UNSET_LABEL:
		return config->labels.count;
	case UNSET_VOLUME:
		return config->volumes.count;
	default:
		return config->exposed_ports.count;
	}
}

/* A name that is mistyped would stay unseen. */
static void unset(struct image_run_config *config, const struct step *step)
{
	const struct span span = instruction_span(step->instruction, NULL);

	strings_each (word, &step->words) {
		size_t before = count_of(config, step->unset);

		if (step->unset == UNSET_ENV)
			remove_env(&config->env, *word);
		else if (step->unset == UNSET_LABEL)
			pairs_remove(&config->labels, *word);
		else if (step->unset == UNSET_VOLUME)
			remove_volume(&config->volumes, *word);
		else
			remove_word(&config->exposed_ports, *word, strlen(*word));
		if (count_of(config, step->unset) == before)
			log_warning("%s:%u: UNSET: there is no \"%s\"", span.source->name,
				span.line, *word);
	}
}

static void set_env(struct image_run_config *config, const struct step *step)
{
	for (size_t i = 0; i < step->pairs.count; i++)
		strings_env_set(&config->env, step->pairs.items[i].key,
			step->pairs.items[i].value);
}

static void set_labels(struct image_run_config *config, const struct pairs *labels)
{
	for (size_t i = 0; i < labels->count; i++)
		pairs_set(&config->labels, labels->items[i].key, labels->items[i].value);
}

int settings_apply(struct stage_state *state, const struct step *step, struct error *err)
{
	struct image_run_config *config = &state->image.config.config;

	switch (step->kind) {
	case INSTRUCTION_CMD:
		set_command(state, step, &config->cmd);
		state->has_cmd = true;
		break;
	case INSTRUCTION_ENTRYPOINT:
		set_entrypoint(state, step);
		break;
	case INSTRUCTION_ENV:
		set_env(config, step);
		break;
	case INSTRUCTION_EXPOSE:
		add_missing(&config->exposed_ports, &step->words);
		break;
	case INSTRUCTION_HEALTHCHECK:
		set_health_check(config, step);
		break;
	case INSTRUCTION_LABEL:
		set_labels(config, &step->pairs);
		break;
	case INSTRUCTION_MAINTAINER:
		replace_text(&state->image.config.author, step);
		break;
	case INSTRUCTION_ONBUILD:
		strings_copy(&config->on_build, &step->words);
		break;
	case INSTRUCTION_SHELL:
		strings_free(&config->shell);
		strings_copy(&config->shell, &step->argv);
		break;
	case INSTRUCTION_STOPSIGNAL:
		replace_text(&config->stop_signal, step);
		break;
	case INSTRUCTION_UNSET:
		unset(config, step);
		break;
	case INSTRUCTION_USER:
		replace_text(&config->user, step);
		break;
	case INSTRUCTION_VOLUME:
		add_missing(&config->volumes, &step->words);
		break;
	case INSTRUCTION_WORKDIR:
		replace_text(&config->working_dir, step);
		break;
	case INSTRUCTION_ARG: /* the scope has it */
		break;
	case INSTRUCTION_ADD:
	case INSTRUCTION_COPY:
	case INSTRUCTION_FROM:
	case INSTRUCTION_INCLUDE:
	case INSTRUCTION_RUN:
	case INSTRUCTION_KINDS:
		return fail(err, "%s is no setting", step->instruction->rule->name);
	}
	return 0;
}
