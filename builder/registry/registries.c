/* From a name to the places that are asked for it: rules, mirrors, search order. */
#include "builder/registry/registries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"

#define FILE_LIMIT (1u << 20)

static void place_free(struct registry_place *place)
{
	free(place->location);
}

void registries_free(struct registries *registries)
{
	for (size_t i = 0; i < registries->rules_count; i++) {
		struct registry_rule *rule = &registries->rules[i];

		for (size_t m = 0; m < rule->mirrors_count; m++)
			place_free(&rule->mirrors[m]);
		free(rule->mirrors);
		free(rule->prefix);
		place_free(&rule->place);
	}
	free(registries->rules);
	strings_free(&registries->search);
	pairs_free(&registries->aliases);
	*registries = (struct registries){ 0 };
}

void endpoints_free(struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->count; i++) {
		free(endpoints->items[i].host);
		free(endpoints->items[i].repository);
	}
	free(endpoints->items);
	*endpoints = (struct endpoints){ 0 };
}

/* ---- files ----------------------------------------------------------------------- */

/* A file that is not there says nothing. */
static int read_file(struct registries *registries, const char *path, bool *ret_there,
	struct error *err)
{
	auto_free char *text = NULL;
	struct error first = { 0 };

	*ret_there = true;
	if (file_read_at(AT_FDCWD, path, FILE_LIMIT, &text, NULL, &first) == 0)
		return registries_parse(registries, text, path, err);
	*ret_there = false;
	if (first.errnum == ENOENT || first.errnum == ENOTDIR)
		return 0;
	*err = first;
	return -1;
}

static int read_directory(
	struct registries *registries, const char *path, struct error *err)
{
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };
	bool there;

	if (fd >= 0 && path_names(fd, path, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *file = path_join(path, *name);

		if (str_ends_with(*name, ".conf") &&
			read_file(registries, file, &there, err) < 0)
			return -1;
	}
	return 0;
}

int registries_read(struct registries *ret, struct error *err)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	const char *home = getenv("HOME");
	auto_free char *own =
		path_join(home && *home == '/' ? home : "/root", ".config/containers");
	auto_free char *own_file = path_join(own, "registries.conf");
	auto_free char *own_directory = path_join(own, "registries.conf.d");
	auto_registries registries = { 0 };
	bool there = false;

	if (named && *named) {
		if (read_file(&registries, named, &there, err) < 0)
			return -1;
		if (!there)
			return fail_code(err, ENOENT,
				"$CONTAINERS_REGISTRIES_CONF names %s, which does not "
				"exist",
				named);
	} else if (read_file(&registries, own_file, &there, err) < 0 ||
		   (!there && read_file(&registries, "/etc/containers/registries.conf",
				      &there, err) < 0) ||
		   read_directory(&registries, "/etc/containers/registries.conf.d", err) <
			   0 ||
		   read_directory(&registries, own_directory, err) < 0)
		return -1;
	*ret = registries;
	registries = (struct registries){ 0 };
	return 0;
}

/* ---- rules ----------------------------------------------------------------------- */

/* How much of "HOST/REPOSITORY" the prefix matches; 0: it does not. */
static size_t match(const char *prefix, const char *name)
{
	size_t length = strlen(prefix);
	const char *slash = strchr(name, '/');
	size_t host = slash ? (size_t)(slash - name) : strlen(name);

	if (prefix[0] == '*' && prefix[1] == '.') {
		const char *suffix = prefix + 1;

		length = strlen(suffix);
		return host > length && strncmp(name + host - length, suffix, length) == 0
			       ? host
			       : 0;
	}
	if (length == 0 || strncmp(name, prefix, length) != 0)
		return 0;
	return !name[length] || strchr("/:@", name[length]) ? length : 0;
}

static const struct registry_rule *find_rule(
	const struct registries *registries, const char *name, size_t *ret_length)
{
	const struct registry_rule *found = NULL;

	*ret_length = 0;
	for (size_t i = 0; i < registries->rules_count; i++) {
		size_t length = match(registries->rules[i].prefix, name);

		if (length > *ret_length) {
			found = &registries->rules[i];
			*ret_length = length;
		}
	}
	return found;
}

static int add_endpoint(struct endpoints *endpoints, const char *location,
	const char *rest, bool insecure, bool mirror, struct error *err)
{
	auto_free char *whole = str_format("%s%s", location, rest);
	auto_reference place = { 0 };

	if (reference_parse(whole, &place, err) < 0)
		return -1;
	if (!place.host)
		return fail(err, "\"%s\" names no host of a registry", whole);
	endpoints->items = str_realloc(
		endpoints->items, endpoints->count + 1, sizeof(*endpoints->items));
	endpoints->items[endpoints->count++] = (struct endpoint){
		.host = take_ptr(&place.host),
		.repository = take_ptr(&place.repository),
		.insecure = insecure,
		.mirror = mirror,
	};
	return 0;
}

/* A mirror that may be behind is asked for what cannot have changed, or the other way. */
static bool serves(const struct registry_rule *rule, const struct registry_place *mirror,
	const struct reference *reference)
{
	if (mirror->pulls == MIRROR_DIGESTS ||
		(mirror->pulls == MIRROR_UNSAID && rule->mirrors_by_digest))
		return reference->digest;
	return mirror->pulls != MIRROR_TAGS || !reference->digest;
}

static int add_by_rule(struct endpoints *endpoints, const struct registry_rule *rule,
	const struct reference *reference, const char *name, size_t length,
	struct error *err)
{
	const struct registry_place *place = &rule->place;

	if (rule->blocked)
		return fail(err, "registries.conf blocks %s", rule->prefix);
	for (size_t i = 0; i < rule->mirrors_count; i++) {
		const struct registry_place *mirror = &rule->mirrors[i];

		if (serves(rule, mirror, reference) &&
			add_endpoint(endpoints, mirror->location, name + length,
				mirror->insecure, true, err) < 0)
			return -1;
	}
	if (!place->location)
		return add_endpoint(endpoints, name, "", place->insecure, false, err);
	return add_endpoint(
		endpoints, place->location, name + length, place->insecure, false, err);
}

static int add_host(const struct registries *registries, const char *host,
	const struct reference *reference, struct endpoints *endpoints, struct error *err)
{
	auto_free char *name = reference_place(reference, host);
	size_t length;
	const struct registry_rule *rule = find_rule(registries, name, &length);

	if (rule)
		return add_by_rule(endpoints, rule, reference, name, length, err);
	return add_endpoint(endpoints, name, "", false, false, err);
}

/* A name without a host is what its alias says, or else is looked for in order. */
static int add_short(const struct registries *registries,
	const struct reference *reference, struct endpoints *endpoints, struct error *err)
{
	const char *alias = pairs_get(&registries->aliases, reference->repository);
	auto_reference place = { 0 };

	if (alias) {
		if (reference_parse(alias, &place, err) < 0 || !place.host)
			return fail(err,
				"registries.conf: the alias %s of %s is no HOST/REPOSITORY",
				alias, reference->repository);
		free(place.digest);
		place.digest = str_dup(reference->digest);
		return add_host(registries, place.host, &place, endpoints, err);
	}
	if (registries->search.count == 0)
		return add_host(registries, REFERENCE_HUB, reference, endpoints, err);
	strings_each (host, &registries->search) {
		if (add_host(registries, *host, reference, endpoints, err) < 0)
			return -1;
	}
	return 0;
}

int registries_resolve(const struct registries *registries,
	const struct reference *reference, struct endpoints *ret, struct error *err)
{
	auto_endpoints endpoints = { 0 };

	if ((reference->host ? add_host(registries, reference->host, reference,
				       &endpoints, err)
			     : add_short(registries, reference, &endpoints, err)) < 0)
		return -1;
	*ret = endpoints;
	endpoints = (struct endpoints){ 0 };
	return 0;
}
