/*
 * Overlays. The layers of lowerdir are opened one by one, so that there may be as many
 * and as long names as the kernel's stack allows (500) instead of a page of text.
 *
 * In an overlay on "/", a layer that is exactly "." is the root as it stands so far
 * (root.path, or the "/" mount before this one). So a root that is built on the
 * creator's own "/" is, with every kernel that has overlays:
 *
 *	{"destination":"/","type":"tmpfs","source":"tmpfs"}
 *	{"destination":"/","type":"overlay","source":"overlay",
 *	 "options":["ro","lowerdir=/:."]}
 *	{"destination":"/","type":"overlay","source":"overlay",
 *	 "options":["lowerdir=/layers/2:/layers/1:.","upperdir=/u","workdir=/w"]}
 *
 * The overlay between is what makes it possible to keep upperdir and workdir below the
 * "/" that is the lowest layer, which one overlay refuses (ELOOP); the empty tmpfs is
 * there because an overlay without upperdir needs two layers, of which none may lie in
 * the other. Linux has room for two overlays upon each other. Relative layers are
 * relative to the bundle.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/rootfs/attach.h"
#include "runtime/rootfs/mount_plan.h"

int overlay_mount(const struct mount_plan *plan, const struct attach_place *place,
	const char *bundle, const char *label, int *ret_fd, struct error *err) must_check;

/* The layers of a lowerdir value: between colons, with "\" before a literal one; an empty
 * layer (from "::") says that those after it hold only data. For tests. */
void overlay_split_layers(const char *value, struct strings *to);
