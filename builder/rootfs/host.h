/*
 * The base of a Mockerfile without FROM: the file system of this host, without what no
 * image may see, and with the two paths of the workspace.
 *
 * Files that stay visible are protected by their permissions only, as they are from every
 * process of root on the host: what a service keeps secret elsewhere than in the places
 * of the table in host.c is visible to RUN, which is why such builds are for the
 * machine's own administrator. Host file systems mounted below "/" are not part of it.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

#define HOST_WORKSPACE "/root/workspace"
/* Where the workspace is while the image is built; a link to it. */
#define HOST_BUILDER_SPACE "/root/.mocker/layer/builder_space"

/* Makes PLACE/host/hide, an upper directory over the host's "/" that hides and adds, and
 * PLACE/host/work. store_root is hidden, too. */
int host_prepare(const char *place, const char *store_root, struct error *err) must_check;
