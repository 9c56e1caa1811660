/* One component after the other. */
#include "builder/archive/tar_name.h"

#include <string.h>

#include "base/str.h"

#define NAME_LENGTH_MAX 4096

int tar_clean_name(const char *archive, const char *name, char **ret, struct error *err)
{
	auto_str path = { 0 };
	auto_strings components = { 0 };

	if (!name)
		return fail(err, "%s: an entry has no name", archive);
	if (strlen(name) > NAME_LENGTH_MAX)
		return fail(err, "%s: a name is longer than %d bytes", archive,
			NAME_LENGTH_MAX);
	strings_split(&components, name, '/');
	strings_each (component, &components) {
		if (!**component || strcmp(*component, ".") == 0)
			continue;
		if (strcmp(*component, "..") == 0)
			return fail(err, "%s: the entry \"%s\" leads out of it", archive,
				name);
		if (path.length)
			str_append_char(&path, '/');
		str_append(&path, *component);
	}
	*ret = str_take(&path);
	return 0;
}
