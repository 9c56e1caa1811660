/*
 * A directory that an archive has files in, but no entry of its own: over the one of a lower
 * layer it would lie with an owner and a mode that nobody chose, and hide those.
 */
#pragma once

#include "base/path.h"
#include "base/str.h"

/* How such directories are made: with the attributes of the uppermost one below. `below`:
 * roots of layers, uppermost first, borrowed; or NULL. */
struct path_mkdir_options tar_parent_options(const struct strings *below);
