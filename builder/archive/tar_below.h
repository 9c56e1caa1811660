/*
 * What an archive's layer has to know of those below it.
 *
 * A directory that an archive has files in, but no entry of its own: over the one of a lower
 * layer it would lie with an owner and a mode that nobody chose, and hide those.
 *
 * A whiteout of what is not there: overlayfs, which reads a directory of one layer alone as
 * it is, would list it as a name that nothing has.
 */
#pragma once

#include "base/path.h"
#include "base/str.h"

/* How such directories are made: with the attributes of the uppermost one below. `below`:
 * roots of layers, uppermost first, borrowed; or NULL. */
struct path_mkdir_options tar_parent_options(const struct strings *below);

/* Whether the path may be in a layer below and show through this one, of which the root is
 * open. `below` NULL: it may. */
bool tar_shows_below(int root_fd, const char *path, const struct strings *below);
/* Whiteouts in a directory that has become opaque, which nothing shows through. */
int tar_drop_whiteouts(int fd, struct error *err) must_check;
