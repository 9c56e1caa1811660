/* Processes of a container that criu does not see: it saves what descends from the
 * container's process, and what exec brought in is somebody else's child. */
#pragma once

struct container;

/* Warns of each. */
void strays_tell(const struct container *container);
