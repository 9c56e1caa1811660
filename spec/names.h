/*
 * Words and the kernel's numbers for them: each fact once, for reading, writing, errors,
 * `features` and help. A kernel newer than the headers we were built with is served too:
 * numbers that they lack are spelt out in names.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

extern const struct word namespace_words[];        /* "network" → CLONE_NEWNET */
extern const struct word rlimit_words[];           /* "RLIMIT_NOFILE" → RLIMIT_NOFILE */
extern const struct word capability_words[];       /* "CAP_CHOWN" → 0, by number */
extern const struct word signal_words[];           /* "TERM" → SIGTERM */
extern const struct word propagation_words[];      /* "rslave" → MS_SLAVE | MS_REC */
extern const struct word device_type_words[];      /* "c" → 'c'; also "u" and "p" */
extern const struct word device_rule_type_words[]; /* "a" → 'a' */
extern const struct word scheduler_policy_words[]; /* "SCHED_FIFO" → SCHED_FIFO */
extern const struct word scheduler_flag_words[];   /* "SCHED_FLAG_RECLAIM" → its bit */
extern const struct word io_class_words[];         /* "IOPRIO_CLASS_BE" → 2 */
extern const struct word memory_policy_words[];    /* "MPOL_BIND" → MPOL_BIND */
extern const struct word memory_policy_flag_words[];
extern const struct word personality_words[];      /* "LINUX32" → PER_LINUX32 */
extern const struct word personality_flag_words[]; /* "ADDR_NO_RANDOMIZE" → its bit */
extern const struct word seccomp_action_words[];   /* see spec/seccomp.h */
extern const struct word seccomp_operator_words[];
extern const struct word seccomp_arch_words[];
extern const struct word seccomp_flag_words[];
extern const struct word status_words[]; /* "running" → CONTAINER_RUNNING */

/* All bits of a list of flags together. */
struct json_words;
uint64_t words_bits(const struct json_words *words);

/* A capability by name, in either case, with or without CAP_; -1 where it is unknown. */
int capability_number(const char *name);

/* A signal by number (0 to 64), by name in either case, with or without SIG, or as
 * RTMIN+n, RTMAX-n. */
int signal_parse(const char *text, int *ret, struct error *err) must_check;

/* "SIGTERM", "SIGRTMIN+3"; owned by the caller. */
char *signal_name(int number);

/* /proc/PID/ns/NAME of a namespace kind: "net" of CLONE_NEWNET; NULL of another number. */
const char *namespace_file(int64_t type);
