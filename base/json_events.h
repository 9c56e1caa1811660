/* The events that yajl is given; apart from json_private.h, which needs no yajl. */
#pragma once

#include <yajl/yajl_parse.h>

#include "base/json_private.h"

extern const yajl_callbacks json_events;
