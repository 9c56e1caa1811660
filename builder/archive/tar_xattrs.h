/* The extended attributes of an archive's entry. */
#pragma once

struct archive_entry;

/* Sets those that are content, on a file or directory that is open; what the file system
 * does not take is left out. 0, or -1 with errno. */
int tar_set_xattrs(struct archive_entry *entry, int fd);
