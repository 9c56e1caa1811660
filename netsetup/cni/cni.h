/*
 * The face of a CNI plugin: environment and configuration in, JSON out.
 * Source: CNI specification 1.1.0, section 2 and appendix.
 */
#pragma once

/* Runs what CNI_COMMAND says; returns main's status. Prints the result or the error
 * object on standard output. */
int cni_main(void);
