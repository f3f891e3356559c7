/* What a lane keeps of an intent that was decoded: what all have, by its true size; the intent itself only when there is more in it. A
 * struct intent has room for everything there may be, 17 KB, of which a payment needs a hundred bytes; a lane has hundreds of them. */
#ifndef WORKER_GIST_H
#define WORKER_GIST_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/intent.h"
#include "worker/arena.h"

struct gist {
    enum op op;
    bool keeps, allow_duplicate; /* keeps: `final` was given as false */
    uint64_t amount_minor, expires_ms, of_at_ms;
    const char *source, *key, *account, *to, *of, *currency, *note; /* as in the intent */

    /* The intent for those who want to know more of it; never NULL. Blank for one of the common operations that says nothing beside the
     * above. Of `lines` and `steps` there are line_count and step_count, so never copy it as a whole. */
    const struct intent *intent;
};

/* Keeps it in the arena. `inner` stays borrowed. */
void gist_keep(struct gist *gist, const struct intent *intent, struct arena *arena);

/* Names the currency of one that is kept whole and did not say it. */
void gist_name_currency(struct gist *gist, const char *currency, struct arena *arena);

/* Of an intent that was not read. */
void gist_clear(struct gist *gist);

#endif
