/* TILL_SECTION_KEY variables over what the file said. */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/load.h"

/* Reads the process's environment, which no other thread may change meanwhile. A variable that begins like a section (TILL_WORKER_) but
 * names none of its settings is a fault; all others (TILL_CONFIG) are not ours to judge. */
void environment_load(struct load *load);

#endif
