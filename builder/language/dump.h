/* A parsed Mockerfile as JSON: for tests, and for `mocker-builder parse`. */
#pragma once

#include "base/str.h"
#include "builder/language/mockerfile.h"

void mockerfile_dump(struct str *str, const struct mockerfile *file);
