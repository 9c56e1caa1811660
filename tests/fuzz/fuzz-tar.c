/* An archive, unpacked in an empty directory, beside which nothing may appear. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "builder/archive/tar.h"
#include "builder/copy/match.h"
#include "tests/fuzz/fuzz.h"

static void extract(int archive, int outside)
{
	struct tar_extract_options options = {
		.name = "fuzz.tar",
		.layer = true,
		.size_max = 1 << 20,
		.entries_max = 64,
		.epoch = -1,
	};
	auto_fd root = -1;
	struct error err;

	if (mkdirat(outside, "root", 0700) < 0)
		abort();
	root = openat(outside, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)!tar_extract(archive, root, &options, NULL, &err); /* either is fine */
}

static void must_hold_the_root_only(int outside)
{
	int copy = openat(outside, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };
	struct error err;

	if (path_names(copy, "outside", &names, &err) < 0 || names.count != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char directory[] = "/tmp/fuzz-tar-XXXXXX";
	auto_fd archive = memfd_create("archive", MFD_CLOEXEC);
	auto_fd outside = -1;
	struct error err;

	if (!mkdtemp(directory) || fd_write_all(archive, data, size) < 0 ||
		lseek(archive, 0, SEEK_SET) < 0)
		abort();
	outside = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)tar_recognise(archive); /* either is fine */
	extract(archive, outside);
	must_hold_the_root_only(outside);
	if (path_remove_tree(AT_FDCWD, directory, &err) < 0)
		abort();
	return 0;
}
