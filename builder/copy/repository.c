/* Each repository is asked once a build, so that all of its steps see the same commit. */
#include "builder/copy/repository.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "builder/digest.h"

static int parse(const struct copy_request *request, const char *text,
	struct git_source *ret, struct error *err)
{
	if (git_source_parse(text, ret, err) < 0)
		return -1;
	ret->keep_git_dir |= request->keep_git_dir;
	if (request->checksum && !ret->checksum)
		ret->checksum = str_dup(request->checksum);
	return 0;
}

static char *place(const struct copy_request *request, const char *text, const char *kind)
{
	auto_free char *whole = str_format("%d %s %s", request->keep_git_dir,
		request->checksum ? request->checksum : "", text);
	struct digest digest = digest_of(whole, strlen(whole));

	return str_format("%s.%s", digest.hex, kind);
}

static int resolve(const struct copy_request *request, const struct copy_source *source,
	const char *text, struct error *err)
{
	struct file_replace_options options = { .mode = 0600 };
	auto_free char *name = place(request, text, "commit");
	auto_git_source repository = { 0 };
	char commit[GIT_COMMIT_MAX];

	if (faccessat(source->downloads_fd, name, F_OK, 0) == 0)
		return 0;
	if (parse(request, text, &repository, err) < 0 ||
		git_resolve(&repository, &source->git, commit, err) < 0)
		return -1;
	return file_replace_at(
		source->downloads_fd, name, commit, strlen(commit), options, err);
}

int repository_resolve(const struct copy_request *request,
	const struct copy_source *source, struct error *err)
{
	strings_each (text, &request->sources) {
		if (copy_source_is_git(*text) && resolve(request, source, *text, err) < 0)
			return -1;
	}
	return 0;
}

int repository_commit(const struct copy_request *request,
	const struct copy_source *source, const char *text,
	char ret_commit[GIT_COMMIT_MAX], struct error *err)
{
	auto_free char *name = place(request, text, "commit");
	auto_free char *commit = NULL;

	if (file_read_at(source->downloads_fd, name, GIT_COMMIT_MAX, &commit, NULL, err) <
		0)
		return fail_while(err, "%s", text);
	snprintf(ret_commit, GIT_COMMIT_MAX, "%s", commit);
	return 0;
}

/* Under a name of its own until it is whole. */
static int fetch(const struct copy_source *source, const struct git_source *repository,
	const char *commit, const char *name, struct error *err)
{
	auto_free char *part = str_format("%s.%d", name, (int)getpid());
	auto_fd fd = -1;
	auto_fd whole = -1;

	if (mkdirat(source->downloads_fd, part, 0755) < 0)
		return fail_errno(err, "making a directory for %s", repository->url);
	fd = openat(source->downloads_fd, part,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening a directory for %s", repository->url);
	if (git_checkout(repository, commit, &source->git, fd, &whole, err) < 0)
		return -1;
	if (renameat(source->downloads_fd, part, source->downloads_fd, name) < 0 &&
		errno != EEXIST && errno != ENOTEMPTY)
		return fail_errno(err, "keeping the files of %s", repository->url);
	return 0;
}

int repository_open(const struct copy_request *request, const struct copy_source *source,
	const char *text, int *ret_fd, struct error *err)
{
	auto_free char *name = place(request, text, "tree");
	auto_git_source repository = { 0 };
	char commit[GIT_COMMIT_MAX];
	auto_fd fd = -1;

	if (parse(request, text, &repository, err) < 0 ||
		repository_commit(request, source, text, commit, err) < 0)
		return -1;
	if (faccessat(source->downloads_fd, name, F_OK, 0) < 0 &&
		fetch(source, &repository, commit, name, err) < 0)
		return -1;
	fd = openat(source->downloads_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the files of %s", text);
	return git_open_subdir(&repository, fd, ret_fd, err);
}
