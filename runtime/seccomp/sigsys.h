/*
 * SIGSYS for a process whose system call waits for an answer of --seccomp-log: what the
 * kernel does by itself for the actions that kill and trap, done from outside.
 */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a handler for SIGSYS can be given what the kernel gives it: on x86-64. */
#ifdef __x86_64__
#define SIGSYS_CAN_TRAP true
#else
#define SIGSYS_CAN_TRAP false
#endif

/* Ends the process: by SIGSYS, or where it catches that, holds it back or is the first of
 * its pid namespace, by SIGKILL. */
void sigsys_end(const struct seccomp_notif *request);

/* Runs the process's handler for SIGSYS; without one it ends. data: of SECCOMP_RET_TRAP,
 * for si_errno. */
void sigsys_trap(const struct seccomp_notif *request, uint16_t data);
