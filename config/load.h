/* A configuration while it is being put together: the values so far, where each came from, what is wrong. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/faults.h"
#include "config/param.h"

struct load {
    struct config *config;
    struct faults faults;
    struct place places[CONFIG_PARAM_COUNT]; /* in the file, of the values that came from it */
    bool bad[CONFIG_PARAM_COUNT];            /* given, but wrong: the struct holds the default */
};

#endif
