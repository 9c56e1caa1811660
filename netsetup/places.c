/* Directories of state, by root, user and --root. */
#include "netsetup/places.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

static int find_own(struct places *ret, struct error *err)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (!run || (!data && !home))
		return fail(err,
			"without root privilege XDG_RUNTIME_DIR and HOME must be set; or "
			"use --root DIR");
	ret->networks = data ? str_format("%s/mocker/networks", data)
			     : str_format("%s/.local/share/mocker/networks", home);
	ret->attachments = str_format("%s/mocker/networks/attachments", run);
	ret->pools = str_format("%s/mocker/networks/pools", run);
	ret->names = str_format("%s/mocker/networks/names", run);
	return 0;
}

/* Servers are told of files beneath it, and have a working directory of their own. */
static int find_beneath(const char *given, struct places *ret, struct error *err)
{
	auto_free char *here = given[0] == '/' ? str_dup("") : getcwd(NULL, 0);
	auto_free char *root = NULL;

	if (!here)
		return fail_errno(err, "finding the working directory");
	root = given[0] == '/' ? str_dup(given) : path_join(here, given);
	ret->own = true;
	ret->networks = str_format("%s/networks", root);
	ret->attachments = str_format("%s/run/attachments", root);
	ret->pools = str_format("%s/run/pools", root);
	ret->names = str_format("%s/run/names", root);
	return 0;
}

int places_find(const char *root, struct places *ret, struct error *err)
{
	if (root)
		return find_beneath(root, ret, err);
	if (geteuid() != 0)
		return find_own(ret, err);
	ret->networks = str_dup("/var/lib/mocker/networks");
	ret->attachments = str_dup("/run/mocker/networks/attachments");
	ret->pools = str_dup("/run/mocker/networks/pools");
	ret->names = str_dup("/run/mocker/networks/names");
	return 0;
}

void places_free(struct places *places)
{
	free(places->networks);
	free(places->attachments);
	free(places->pools);
	free(places->names);
	*places = (struct places){ 0 };
}

static int check(const char *name, const char *what, bool plus, struct error *err)
{
	const char *others = plus ? "_.-+" : "_.-";
	/* A network may have it that is there, none gets it. */
	bool says_plus = plus && !str_equal(what, "network");
	bool well = isalnum((unsigned char)name[0]) && strlen(name) <= 200;

	if (str_ends_with(name, PLACES_UNFINISHED))
		return fail_code(err, EINVAL, "the name of a %s cannot end in \"%s\"",
			what, PLACES_UNFINISHED);
	for (const char *c = name; well && *c; c++)
		well = isalnum((unsigned char)*c) || strchr(others, *c);
	if (!well)
		return fail_code(err, EINVAL,
			"\"%.220s\" cannot be the name of a %s: expected letters, digits, "
			"\"_\", \".\"%s, first a letter or a digit, at most 200 bytes",
			name, what, says_plus ? ", \"-\" and \"+\"" : " and \"-\"");
	return 0;
}

int places_check_name(const char *name, const char *what, struct error *err)
{
	return check(name, what, true, err);
}

int places_check_strictly(const char *name, const char *what, struct error *err)
{
	return check(name, what, false, err);
}
