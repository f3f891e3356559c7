/* What an account holds, and what its debits are subject to, as JSON. */
#include "producer/cli/account_out.h"

#include "producer/cli/json_out.h"
#include "producer/cli/when.h"

bool account_is_locked(const struct till_rules *r) { return r->locked && (!r->lock_until_ms || r->lock_until_ms > when_now_ms()); }

static void rules_to_json(json_t *object, const struct till_rules *r) {
    bool locked = account_is_locked(r);
    json_out_bool(object, "credential", r->has_credential);
    json_out_bool(object, "locked", locked);
    json_out_optional(object, "lock_until", locked && r->lock_until_ms, (int64_t)r->lock_until_ms);
    json_out_optional(object, "limit_payments", r->limit_payments, (int64_t)r->limit_payments);
    json_out_optional(object, "limit_per", r->limit_payments, (int64_t)r->limit_per_ms);
}

json_t *account_json(const struct till_account *a, const struct till_rules *rules) {
    json_t *object = json_out_object();
    json_out_text(object, "account", a->id);
    json_out_text(object, "kind", a->kind);
    json_out_text(object, "currency", a->currency);
    json_out_text(object, "status", a->status);
    json_out_number(object, "balance", a->balance_minor);
    json_out_number(object, "held", a->held_minor);
    json_out_number(object, "available", a->balance_minor - a->held_minor);
    json_out_number(object, "seq", (int64_t)a->seq);
    json_out_number(object, "opened", (int64_t)a->opened_ms);
    json_out_number(object, "changed", (int64_t)a->changed_ms);
    json_out_number(object, "partition", a->partition);
    json_out_number(object, "shards", a->shards);
    if (rules) rules_to_json(object, rules);
    return object;
}
