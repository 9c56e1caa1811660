/*
 * main() of a fuzz target without a fuzzer: runs it on every file of the directories given,
 * one line of TAP each. So the corpus is a regression test under every compiler.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "tests/fuzz/fuzz.h"

static int replay(int dir_fd, const char *name, int number)
{
	auto_free char *data = NULL;
	auto_fd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct fd_read_options options = { .limit = 64 << 20, .regular_only = true };
	struct error err;
	size_t size;

	if (fd_read_all(fd, name, options, &data, &size, &err) < 0) {
		printf("not ok %d - %s\n", number, err.text);
		return 1;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)data, size);
	printf("ok %d - %s\n", number, name);
	fflush(stdout); /* what comes next may abort */
	return 0;
}

int main(int argc, char **argv)
{
	int number = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		auto_dir directory = opendir(argv[i]);
		struct dirent *entry;

		while (directory && (entry = path_next(directory))) {
			if (entry->d_name[0] != '.')
				failed |=
					replay(dirfd(directory), entry->d_name, ++number);
		}
		failed |= !directory || errno;
	}
	printf("1..%d\n", number);
	return failed || !number;
}
