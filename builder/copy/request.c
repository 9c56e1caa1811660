/* The request's memory, and which sources are no paths. */
#include "builder/copy/request.h"

#include <string.h>

void copy_request_free(struct copy_request *request)
{
	strings_free(&request->sources);
	for (size_t i = 0; i < request->text_count; i++) {
		free(request->texts[i].name);
		free(request->texts[i].content);
	}
	free(request->texts);
	free(request->destination);
	free(request->from);
	free(request->chown);
	free(request->chmod);
	free(request->checksum);
	strings_free(&request->exclude);
	*request = (struct copy_request){ 0 };
}

bool copy_source_is_url(const char *source)
{
	return str_after(source, "http://") || str_after(source, "https://");
}

bool copy_source_is_git(const char *source)
{
	auto_free char *path = str_dup_n(source, strcspn(source, "#"));

	if (str_after(source, "git://") || str_after(source, "ssh://") ||
		str_after(source, "git@"))
		return true;
	return copy_source_is_url(source) && str_ends_with(path, ".git");
}
