/* The steps of a group, as they are typed: an operation and its fields, "pay to=shop amount=300 key=a"; or a file of them. */
#ifndef CLI_INTENT_STEPS_H
#define CLI_INTENT_STEPS_H

#include "schema/intent.h"

/* Adds one. `currency`, unless NULL, is that of steps that need one and do not say theirs. NULL, or the sentence of what is wrong, which
 * is fault->text. */
const char *intent_steps_add(struct intent *group, const char *text, const char *currency, struct intent_fault *fault);
/* Adds those of a JSON array in a file; "-": stdin. */
const char *intent_steps_load(struct intent *group, const char *path, const char *currency, struct intent_fault *fault);

#endif
