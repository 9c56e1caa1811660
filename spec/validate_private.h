/*
 * What the files of validation share. A rule is a function without a result: it reports
 * what it finds, and all rules are asked always; they cost less than deciding when to stop.
 *
 * validate.c            the root of config.json, mounts, hooks, annotations
 * validate_process.c    process
 * validate_linux.c      namespaces and whatever depends on them, devices, lists of paths
 * validate_kernel.c     seccomp, resctrl, memory policy
 * validate_resources.c  resources
 */
#pragma once

#include "spec/validate.h"

#define ID_MAPPINGS_MAX 340 /* lines that /proc/PID/uid_map takes */
#define NAMESPACE_KINDS 8

struct validation {
	const struct validate_options *options; /* or NULL */
	struct error *err;                      /* the first problem */
	bool failed;
};

/* A JSON pointer. */
struct place {
	char text[200];
};
struct place at(const char *format, ...) printf_like(1, 2);
/* The same, with a member's name at its end. */
struct place at_key(const char *parent, const char *key);

void problem(struct validation *validation, struct place place, const char *format, ...)
	printf_like(3, 4);

void validate_process(struct validation *validation, const struct oci_process *process,
	const char *pointer);
void validate_namespaces(struct validation *validation, const struct oci_linux *linux);
void validate_linux(struct validation *validation, const struct oci_config *config);
void validate_seccomp(struct validation *validation, const struct oci_seccomp *seccomp);
void validate_intel_rdt(struct validation *validation, const struct oci_intel_rdt *rdt);
void validate_memory_policy(
	struct validation *validation, const struct oci_memory_policy *policy);
void validate_resources(struct validation *validation,
	const struct oci_resources *resources, const char *pointer);

/* Shared by several chapters. */
void validate_env(
	struct validation *validation, const struct strings *env, const char *pointer);
void validate_id_mappings(struct validation *validation,
	const struct oci_id_mapping *mappings, size_t count, const char *pointer);
/* "0-3,7": numbers and ranges; an empty text is no list. */
void validate_number_list(
	struct validation *validation, const char *list, struct place place);
