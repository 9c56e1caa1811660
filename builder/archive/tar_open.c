/* Which bytes are an archive, and how libarchive is told to read them. */
#include "builder/archive/tar_open.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "builder/archive/tar.h"
#include "builder/archive/tar_stream.h"

#define BLOCK_SIZE (1u << 17)

/* libarchive falls back to programs of PATH where a library is missing, and says so by
 * ARCHIVE_WARN: such a compression is not there. */
struct archive *tar_open_filters(void)
{
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip,
		archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,
		archive_read_support_filter_zstd,
	};
	struct archive *archive = archive_read_new();
	bool usable = archive != NULL;

	for (size_t i = 0; usable && i < ARRAY_SIZE(filters); i++)
		usable = filters[i](archive) == ARCHIVE_OK;
	if (!usable)
		str_out_of_memory();
	return archive;
}

struct archive *tar_open(int fd)
{
	struct archive *archive = tar_open_filters();
	bool usable = archive_read_support_format_tar(archive) == ARCHIVE_OK;

	/* Names are bytes, whatever the locale. */
	if (usable)
		(void)archive_read_set_format_option(
			archive, "tar", "hdrcharset", "BINARY");
	if (!usable || archive_read_open_fd(archive, fd, BLOCK_SIZE) != ARCHIVE_OK) {
		(void)archive_read_free(archive);
		return NULL;
	}
	return archive;
}

static la_ssize_t read_stream(struct archive *archive, void *argument, const void **ret)
{
	ssize_t length = tar_stream_next(argument, ret);

	if (length < 0)
		archive_set_error(archive, EIO, "%s", tar_stream_error(argument));
	return length;
}

struct archive *tar_open_stream(struct tar_stream *stream)
{
	struct archive *archive = archive_read_new();

	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK)
		str_out_of_memory();
	(void)archive_read_set_format_option(archive, "tar", "hdrcharset", "BINARY");
	/* Whether it is one, the first header tells. */
	(void)archive_read_open(archive, stream, NULL, read_stream, NULL);
	return archive;
}

bool tar_warning_is_harmless(struct archive *archive)
{
	return archive_errno(archive) == EILSEQ;
}

/* A tar header's checksum: the sum of its bytes, those of the checksum as blanks. */
static bool is_tar_header(const unsigned char *block)
{
	unsigned long sum = 0, claimed = 0;

	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	for (size_t i = 148; i < 156; i++) {
		if (block[i] >= '0' && block[i] <= '7')
			claimed = claimed * 8 + (block[i] - '0');
		else if (block[i] != ' ' && block[i] != '\0')
			return false;
	}
	return block[0] && sum == claimed;
}

static bool is_compressed(const unsigned char *block)
{
	static const struct {
		const char *magic;
		size_t length;
	} magics[] = {
		{ "\x1F\x8B", 2 },
		{ "BZh", 3 },
		{ "\xFD"
		  "7zXZ\0",
			6 },
		{ "\x28\xB5\x2F\xFD", 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (memcmp(block, magics[i].magic, magics[i].length) == 0)
			return true;
	return false;
}

/* A compressed file need not hold an archive. */
static bool holds_archive(int fd)
{
	struct archive *archive = tar_open(fd);
	struct archive_entry *entry;
	bool holds = archive && archive_read_next_header(archive, &entry) == ARCHIVE_OK;

	if (archive)
		(void)archive_read_free(archive);
	return lseek(fd, 0, SEEK_SET) == 0 && holds;
}

bool tar_recognise(int fd)
{
	unsigned char block[512] = { 0 };
	ssize_t length = pread(fd, block, sizeof(block), 0);

	if (length == sizeof(block) && is_tar_header(block))
		return true;
	return length > 6 && is_compressed(block) && holds_archive(fd);
}
