/* The places of the fields of a batch entry, as apply.lua gets it: see batch.def. */
#ifndef SCHEMA_BATCH_H
#define SCHEMA_BATCH_H

enum batch_field {
#define X(name) BATCH_##name,
#include "schema/batch.def"
#undef X
    BATCH_FIELD_COUNT
};

#endif
