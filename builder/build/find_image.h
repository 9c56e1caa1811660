/* Where images come from: a stage, --build-context, the store, elsewhere. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/stage.h"
#include "builder/store/image.h"

/* The image that FROM names: of the store, else pulled into it, as --pull has it; or a
 * source of `load`. platform NULL: this machine's. */
int build_find_image(struct stage_process *process, const char *name,
	const char *platform, struct image *ret, struct error *err) must_check;
/* The same of the store alone. */
int build_find_stored(struct stage_process *process, const char *name,
	const char *platform, struct image *ret, struct error *err) must_check;
/* The image that COPY --from or a mount's from names: a stage, or as FROM. */
int build_find_source(struct stage_process *process, const char *from, struct image *ret,
	struct error *err) must_check;
