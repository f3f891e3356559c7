/* The columns of a batch, as apply.lua gets it: see batch.def. */
#ifndef SCHEMA_BATCH_H
#define SCHEMA_BATCH_H

enum batch_column {
#define X(name, kind, where) BATCH_##name,
#include "schema/batch.def"
#undef X
    BATCH_COLUMN_COUNT
};

#endif
