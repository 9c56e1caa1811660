/* The limit is counted by descriptors' numbers: the kernel gives the lowest that is free. */
#include "base/descent.h"

#include <fcntl.h>

#include "base/cleanup.h"

/* What a level needs besides its directory: lists, files, a second tree. */
#define SPARE 32

struct descent descent_begin(void)
{
	struct descent descent = { 0 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return descent;
	descent.limit = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return descent;
	descent.soft = descent.limit;
	descent.limit = limit.rlim_max;
	return descent;
}

void descent_end(struct descent *descent)
{
	struct rlimit limit;

	if (descent->soft == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = descent->soft;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* a lower one is always taken */
}

static int check_depth(const struct descent *descent, int fd, struct error *err)
{
	if (descent->depth >= DESCENT_MAX)
		return fail(err, "directories are nested more than %d deep", DESCENT_MAX);
	if (descent->limit > 0 && (rlim_t)fd + SPARE > descent->limit)
		return fail_code(err, EMFILE,
			"directories are nested more than %u deep, for which %llu open "
			"files are too few; raise the hard limit, `ulimit -Hn`",
			descent->depth, (unsigned long long)descent->limit);
	return 0;
}

int descent_open(struct descent *descent, int dir_fd, const char *name, int *ret_fd,
	struct error *err)
{
	auto_fd fd =
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening the directory %s", name);
	if (check_depth(descent, fd, err) < 0)
		return -1;
	descent->depth++;
	*ret_fd = take_fd(&fd);
	return 0;
}

void descent_back(struct descent *descent)
{
	descent->depth--;
}
