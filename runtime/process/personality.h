/* linux.personality and linux.memoryPolicy: what execve hands on to the process. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct oci_config;

/* Of the caller. Before seccomp. */
int personality_apply(const struct oci_config *config, struct error *err) must_check;
int memory_policy_apply(const struct oci_config *config, struct error *err) must_check;

/* The nodes, without effects. */
int memory_policy_check(const struct oci_config *config, struct error *err) must_check;
