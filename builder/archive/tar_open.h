/* libarchive's reader of tar and its compressions, for tar.c. */
#pragma once

#include <stdbool.h>

struct archive;
struct tar_stream;

/* Told of the compressions, of no format and no file yet. */
struct archive *tar_open_filters(void);

/* NULL if the bytes are none of them. archive_read_free() gives it back. */
struct archive *tar_open(int fd);

/* The tar in a stream, which is borrowed. */
struct archive *tar_open_stream(struct tar_stream *stream);

/* Of ARCHIVE_WARN: a name that is not of the locale is still the name. Other warnings are
 * of headers that are damaged, and would be read otherwise elsewhere. */
bool tar_warning_is_harmless(struct archive *archive);
