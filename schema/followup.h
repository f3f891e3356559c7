/* Follow-up intents: the consequences of an intent in other partitions and of time passing, derived by pure functions, so that a crash
 * between answer and sending only means deriving them again. */
#ifndef SCHEMA_FOLLOWUP_H
#define SCHEMA_FOLLOWUP_H

#include <stdbool.h>

#include "schema/intent.h"
#include "schema/keys.h"

/* The follow-up for partition `target` of `intent`, which was decided with `code` as entry `entry` of partition `from`. `merchant`: the
 * account is a merchant's (a freeze does not say so itself; the lane knows it from apply's reply; an open says it in `kind`).
 * `detail`: that of the intent's own answer, "" when there is none; only a settle's is looked at. False when it has none there. An intent
 * has at most one follow-up per target.
 *
 *     open, freeze, thaw, close of a merchant, 0   adopt, mark   to every other partition
 *     transfer, 20 (and not put off)               arrive        to that of `to`
 *     arrive, 0                                    settled       to that of the payer, who is named in its key
 *     arrive, anything else                        bounce        likewise, with the code
 *     pay of an order, 20 (and not put off)        paid          to that of `to`, the home of the order
 *     recover                                      settled or bounce, as from the arrive or the paid that it stands for
 *     paid, 0                                      settled       to that of the payer, who is named in its key; `to` is the merchant
 *     paid, anything else                          bounce        likewise, with the code
 *     settle, 0                                    swept         to that of `account`, with the "GROSS REFUNDS" of `detail`; none when it
 *                                                                is "0 0" or is not of that form
 *
 * A transfer need not say its currency, an arrive must: whoever calls puts that of the account into `intent->currency` first. An intent
 * that was put off is known by its first entry: whoever calls then writes that one's ID into out->entry. */
bool followup_derive(const struct intent *intent, int code, bool merchant, const char *entry, const struct book *book, unsigned from,
                     unsigned target, const char *detail, struct intent *out);

/* May an intent decided with `code` have any follow-up in a book of this many partitions? A settle, or a pay of an order that was put off,
 * may have none for all that: only followup_derive knows where it lay and what it found. */
bool followup_any(const struct intent *intent, int code, bool merchant, unsigned partitions);

/* The follow-up of a partition to itself that a member of {B:p}:due calls for: `expire|ENTRY|IDENTITY`, `lapse|ENTRY|IDENTITY ORDER` or
 * `due|ENTRY|IDENTITY`, the last with the bytes of the intent that was put off, which `out` borrows. False when the member, or for a
 * `due` the size of the bytes, is not as it should be; what the bytes hold is not looked at. */
bool followup_own(const char *member, size_t size, const void *bytes, size_t bytes_size, struct intent *out);

/* What is to be told once more where Redis lost data: of the intent with this identity, ACCOUNT/SOURCE/KEY, whose bill is of `entry`; `to`
 * is the account that its money was to come to, or the merchant of `order` ("" for a transfer). `code`: CODE_ok, it is to come; of a
 * transfer also CODE_already_exists, it is there; CODE_dead, it is to go back where it came from. False when the identity is none that has
 * anything to tell elsewhere. */
struct followup_lost {
    const char *identity, *entry, *to, *order, *currency;
    uint64_t amount_minor;
    int code;
};
bool followup_recover(const struct followup_lost *lost, uint64_t at_ms, struct intent *out);

/* The `adopt` of a merchant whose shard in another partition Redis has lost, or has not told of its status; the `swept` of a month,
 * YYYY-MM, that partition `from` settled and that never came home. Their origins are older than any, so they go by no watermark: where
 * it was applied either does nothing. */
void followup_shard(const char *merchant, const char *currency, enum status status, unsigned home, uint64_t at_ms, struct intent *out);
struct followup_month {
    const char *merchant, *currency, *month;
    uint64_t gross_minor, refunds_minor;
};
void followup_month(const struct followup_month *lost, unsigned from, uint64_t at_ms, struct intent *out);

/* What a follow-up is about: the identity within its key, ACCOUNT/SOURCE/KEY>step. */
struct followup_original {
    char account[INTENT_ACCOUNT_MAX + 1];
    char source[INTENT_SOURCE_MAX + 1];
    char key[INTENT_KEY_MAX + 1];
};
/* False when the key is not of that form. */
bool followup_original(const struct intent *follow_up, struct followup_original *out);

/* Splits an origin "p:MS-SEQ", written as Till writes it. False when it is not one. */
bool followup_origin(const char *origin, unsigned *partition, char entry[INTENT_ENTRY_MAX + 1]);

#endif
