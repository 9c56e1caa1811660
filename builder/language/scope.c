/* The variables of a stage. The predefined names are listed here once. */
#include "builder/language/scope.h"

#include <string.h>

/* Given by --build-arg, they reach RUN without being declared. */
static const char *const proxy_names[] = {
	"ALL_PROXY",
	"FTP_PROXY",
	"HTTPS_PROXY",
	"HTTP_PROXY",
	"NO_PROXY",
	"all_proxy",
	"ftp_proxy",
	"https_proxy",
	"http_proxy",
	"no_proxy",
};

static const char *const platform_names[] = {
	"BUILDARCH",
	"BUILDOS",
	"BUILDPLATFORM",
	"BUILDVARIANT",
	"TARGETARCH",
	"TARGETOS",
	"TARGETPLATFORM",
	"TARGETSTAGE",
	"TARGETVARIANT",
};

/* What --build-arg gives to the builder itself, whether the file declares it or not. Some
 * mean nothing here: they are accepted, since callers give them to every builder. */
static const char *const builder_names[] = {
	"BUILDKIT_BUILD_NAME",
	"BUILDKIT_CACHE_MOUNT_NS",
	"BUILDKIT_CONTEXT_KEEP_GIT_DIR",
	"BUILDKIT_GIT_ADVICE",
	"BUILDKIT_INLINE_CACHE",
	"BUILDKIT_MULTI_PLATFORM",
	"BUILDKIT_SANDBOX_HOSTNAME",
	"BUILDKIT_SYNTAX",
	"SOURCE_DATE_EPOCH",
};

bool scope_is_proxy(const char *name)
{
	return str_is_among(name, proxy_names, ARRAY_SIZE(proxy_names));
}

bool scope_is_platform(const char *name)
{
	return str_is_among(name, platform_names, ARRAY_SIZE(platform_names));
}

bool scope_is_builders(const char *name)
{
	return str_is_among(name, builder_names, ARRAY_SIZE(builder_names));
}

void scope_init(
	struct scope *scope, const struct pairs *given, const struct pairs *global)
{
	*scope = (struct scope){ .given = given, .global = global };
	scope->workdir = str_dup("/");
}

void scope_free(struct scope *scope)
{
	pairs_free(&scope->env);
	pairs_free(&scope->args);
	pairs_free(&scope->values);
	strings_free(&scope->declared);
	strings_free(&scope->unset);
	free(scope->workdir);
	*scope = (struct scope){ 0 };
}

const char *scope_get(const struct scope *scope, const char *name)
{
	return pairs_get(&scope->values, name);
}

void scope_set_env(struct scope *scope, const char *name, const char *value)
{
	pairs_set(&scope->env, name, value);
	pairs_set(&scope->values, name, value);
}

void scope_unset_env(struct scope *scope, const char *name)
{
	const char *argument = pairs_get(&scope->args, name);

	pairs_remove(&scope->env, name);
	if (argument)
		pairs_set(&scope->values, name, argument);
	else
		pairs_remove(&scope->values, name);
}

void scope_add_image(struct scope *scope, const struct strings *env, const char *workdir)
{
	strings_each (item, env) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = NULL;

		if (!equals)
			continue;
		name = str_dup_n(*item, (size_t)(equals - *item));
		scope_set_env(scope, name, equals + 1);
	}
	if (workdir && *workdir) {
		free(scope->workdir);
		scope->workdir = str_dup(workdir);
	}
}

void scope_forget(struct scope *scope)
{
	pairs_free(&scope->env);
	pairs_free(&scope->args);
	pairs_free(&scope->values);
	free(scope->workdir);
	scope->workdir = str_dup("/unknown");
}

static void set_argument(struct scope *scope, const char *name, const char *value)
{
	pairs_set(&scope->args, name, value);
	pairs_set(&scope->values, name, value);
}

void scope_declare(struct scope *scope, const char *name, const char *initial)
{
	const char *value = scope->given ? pairs_get(scope->given, name) : NULL;

	if (!value)
		value = initial;
	if (!value && scope->global)
		value = pairs_get(scope->global, name);
	if (!strings_contain(&scope->declared, name))
		strings_add(&scope->declared, name);
	if (value)
		set_argument(scope, name, value);
}

void scope_inherit(struct scope *scope, const struct scope *base)
{
	for (size_t i = 0; i < base->args.count; i++)
		set_argument(scope, base->args.items[i].key, base->args.items[i].value);
	strings_copy(&scope->declared, &base->declared);
}

void scope_continue(struct scope *scope, const struct scope *base)
{
	scope_inherit(scope, base);
	for (size_t i = 0; i < base->env.count; i++)
		scope_set_env(scope, base->env.items[i].key, base->env.items[i].value);
	free(scope->workdir);
	scope->workdir = str_dup(base->workdir);
}

static void add_undeclared_proxies(const struct scope *scope, struct strings *ret)
{
	for (size_t i = 0; scope->given && i < scope->given->count; i++) {
		const struct pair *pair = &scope->given->items[i];

		if (scope_is_proxy(pair->key) && !scope_get(scope, pair->key))
			strings_env_set(ret, pair->key, pair->value);
	}
}

void scope_cache_environment(const struct scope *scope, struct strings *ret)
{
	for (size_t i = 0; i < scope->values.count; i++)
		strings_addf(ret, "%s=%s", scope->values.items[i].key,
			scope->values.items[i].value);
}

void scope_environment(const struct scope *scope, struct strings *ret)
{
	add_undeclared_proxies(scope, ret);
	scope_cache_environment(scope, ret);
}
