/* libarchive's reader of tar and its compressions, for tar.c. */
#pragma once

struct archive;

/* Told of the compressions, of no format and no file yet. */
struct archive *tar_open_filters(void);

/* NULL if the bytes are none of them. archive_read_free() gives it back. */
struct archive *tar_open(int fd);
