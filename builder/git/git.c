/*
 * git_resolve() asks the server which commit a ref is; git_checkout() fetches that commit,
 * puts its files in place and makes of them what a build can copy: the commit's time on
 * all, without what is git's own.
 */
#include "builder/git/git.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descent.h"
#include "base/path.h"
#include "builder/git/git_internal.h"

#define ASK_MS   (60 * 1000)
#define FETCH_MS (60 * 60 * 1000)

static bool is_commit(const char *text)
{
	size_t length = strlen(text);

	return (length == 40 || length == 64) &&
	       strspn(text, "0123456789abcdef") == length;
}

/* ---- which commit ---- */

/* A line of ls-remote is COMMIT, a tab, the ref. */
static bool find_ref(const char *listing, const char *ref, char ret[GIT_COMMIT_MAX])
{
	while (*listing) {
		size_t length = strcspn(listing, "\n");
		const char *tab = memchr(listing, '\t', length);
		size_t digits = tab ? (size_t)(tab - listing) : 0;

		if (tab && digits < GIT_COMMIT_MAX &&
			length - digits - 1 == strlen(ref) &&
			strncmp(tab + 1, ref, strlen(ref)) == 0) {
			memcpy(ret, listing, digits);
			ret[digits] = '\0';
			return is_commit(ret);
		}
		listing += length + (listing[length] == '\n');
	}
	return false;
}

/* The ref as it stands, a tag (what it marks before the tag itself), a branch. */
static bool choose_ref(const char *listing, const char *ref, char ret[GIT_COMMIT_MAX])
{
	static const char *const forms[] = { "%s^{}", "%s", "refs/tags/%s^{}",
		"refs/tags/%s", "refs/heads/%s" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *at = strstr(forms[i], "%s");
		auto_free char *name = str_format(
			"%.*s%s%s", (int)(at - forms[i]), forms[i], ref, at + 2);

		if (find_ref(listing, name, ret))
			return true;
	}
	return false;
}

static int check_commit(
	const struct git_source *source, const char *commit, struct error *err)
{
	if (source->checksum &&
		strncasecmp(commit, source->checksum, strlen(source->checksum)) != 0)
		return fail(err, "%s is at commit %s, expected %s", source->url, commit,
			source->checksum);
	return 0;
}

int git_resolve(const struct git_source *source, const struct git_options *options,
	char ret_commit[GIT_COMMIT_MAX], struct error *err)
{
	const char *ref = source->ref ? source->ref : "HEAD";
	const char *const arguments[] = { "git", "ls-remote", "--", source->url, NULL };
	struct git_call call = { source, options, -1, ASK_MS };
	auto_free char *listing = NULL;

	if (!source->ref && source->checksum && is_commit(source->checksum))
		ref = source->checksum;
	if (is_commit(ref)) {
		snprintf(ret_commit, GIT_COMMIT_MAX, "%s", ref);
		return check_commit(source, ref, err);
	}
	if (git_run(&call, arguments, &listing, err) < 0)
		return -1;
	if (!choose_ref(listing, ref, ret_commit))
		return fail_code(err, ENOENT,
			"%s has no branch or tag \"%s\"; a commit is named by all of its "
			"digits",
			source->url, ref);
	return check_commit(source, ret_commit, err);
}

/* ---- its files ---- */

/* The one commit; where the server gives none but what its refs stand at, all of them. */
static int fetch(const struct git_call *call, const char *commit, struct error *err)
{
	const char *const one[] = { "git", "fetch", "-q", "--no-tags", "--depth=1",
		"origin", commit, NULL };
	const char *const all[] = { "git", "fetch", "-q", "--tags", "origin",
		"+refs/heads/*:refs/remotes/origin/*", NULL };
	struct error first;

	if (git_run(call, one, NULL, &first) == 0)
		return 0;
	if (git_run(call, all, NULL, err) < 0) {
		*err = first;
		return -1;
	}
	return 0;
}

static int fill(const struct git_call *call, const char *commit, struct error *err)
{
	const char *const begin[] = { "git", "init", "-q", ".", NULL };
	const char *const name[] = { "git", "remote", "add", "origin", call->source->url,
		NULL };
	const char *const checkout[] = { "git", "checkout", "-q", "--detach", commit,
		NULL };
	const char *const modules[] = { "git", "submodule", "-q", "update", "--init",
		"--recursive", "--depth=1", NULL };

	if (git_run(call, begin, NULL, err) < 0 || git_run(call, name, NULL, err) < 0 ||
		fetch(call, commit, err) < 0 || git_run(call, checkout, NULL, err) < 0)
		return -1;
	if (call->source->no_submodules || faccessat(call->directory_fd, ".gitmodules",
						   F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return git_run(call, modules, NULL, err);
}

static int commit_time(
	const struct git_call *call, const char *commit, time_t *ret, struct error *err)
{
	const char *const arguments[] = { "git", "show", "-s", "--format=%ct", commit,
		NULL };
	auto_free char *text = NULL;
	int64_t seconds;

	if (git_run(call, arguments, &text, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (str_to_i64(text, "the commit's time", &seconds, err) < 0)
		return -1;
	*ret = (time_t)seconds;
	return 0;
}

struct tidying {
	const struct timespec *times;
	bool keep_git_dir;
	struct descent descent;
};

static int tidy(int fd, struct tidying *tidying, struct error *err);

static int tidy_entry(
	int fd, const char *name, struct tidying *tidying, struct error *err)
{
	struct stat st;
	auto_fd below = -1;

	if (strcmp(name, ".git") == 0)
		return tidying->keep_git_dir ? 0 : path_remove_tree(fd, name, err);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "reading %s", name);
	if (S_ISDIR(st.st_mode)) {
		if (descent_open(&tidying->descent, fd, name, &below, err) < 0 ||
			tidy(below, tidying, err) < 0)
			return -1;
		descent_back(&tidying->descent);
	}
	if (utimensat(fd, name, tidying->times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the time of %s", name);
	return 0;
}

static int tidy(int fd, struct tidying *tidying, struct error *err)
{
	auto_strings names = { 0 };
	int result = 0;

	if (path_names(fd, "the work tree", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (result == 0)
			result = tidy_entry(fd, *name, tidying, err);
	}
	return result;
}

int git_open_subdir(
	const struct git_source *source, int directory_fd, int *ret_fd, struct error *err)
{
	if (path_open_in_root(directory_fd, source->subdir ? source->subdir : ".",
		    O_RDONLY | O_DIRECTORY, 0, ret_fd, err) < 0)
		return fail_code(err, err->errnum, "%s has no directory \"%s\"",
			source->url, source->subdir ? source->subdir : ".");
	return 0;
}

int git_checkout(const struct git_source *source, const char *commit,
	const struct git_options *options, int directory_fd, int *ret_fd,
	struct error *err)
{
	struct git_call call = { source, options, directory_fd, FETCH_MS };
	struct timespec times[2] = { 0 };
	struct tidying tidying = { times, source->keep_git_dir, { 0 } };
	int result;

	if (fill(&call, commit, err) < 0 ||
		commit_time(&call, commit, &times[1].tv_sec, err) < 0)
		return -1;
	times[0] = times[1];
	tidying.descent = descent_begin(); /* no more programs from here on */
	result = tidy(directory_fd, &tidying, err);
	descent_end(&tidying.descent);
	if (result < 0)
		return fail_while(err, "%s", source->url);
	return git_open_subdir(source, directory_fd, ret_fd, err);
}
