/* The field names of a response entry, in their fixed order, and their places. */
#ifndef SCHEMA_RESPONSE_H
#define SCHEMA_RESPONSE_H

enum response_field {
    RESPONSE_KEY, RESPONSE_SOURCE, RESPONSE_OP, RESPONSE_CODE, RESPONSE_REASON, RESPONSE_ACCOUNT, RESPONSE_AMOUNT, RESPONSE_CURRENCY,
    RESPONSE_BALANCE, RESPONSE_HELD, RESPONSE_BILL, RESPONSE_AT, RESPONSE_ENTRY, RESPONSE_REPLAYED, RESPONSE_DETAIL,
    RESPONSE_DURABLE,
    RESPONSE_FIELD_COUNT,
    RESPONSE_TOLD_COUNT = RESPONSE_DURABLE /* those before come of the stream alone: the same whoever worked; a digest is made of them */
};
extern const char *const response_field_name[RESPONSE_FIELD_COUNT];
extern const unsigned char response_field_size[RESPONSE_FIELD_COUNT]; /* of the name */

#endif
