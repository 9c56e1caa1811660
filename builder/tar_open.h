/* libarchive's reader of tar and its compressions, for tar.c. */
#pragma once

struct archive;

/* NULL if the bytes are none of them. archive_read_free() gives it back. */
struct archive *tar_open(int fd);
