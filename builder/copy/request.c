/* The request's memory, and which sources are no paths. */
#include "builder/copy/request.h"

#include "builder/git/git.h"

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
	if (!str_after(source, "http://") && !str_after(source, "https://"))
		return false;
	return !git_source_is(source);
}

bool copy_source_is_git(const char *source)
{
	return git_source_is(source);
}
