/* The rows of the list against the bills, bucket by bucket: first those of one account and key, then, of what is left, those of one key. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/reconcile.h"
#include "producer/cli/reconcile_pool.h"
#include "schema/code.h"

/* What is left of one key may be anything, when a key is used with every account: then only so much of it is looked at together. */
enum { LEFT_SIZE_MAX = 64 << 20 };

static bool moves_money(enum op op) {
    return op == OP_pay || op == OP_refund || op == OP_topup || op == OP_withdraw || op == OP_rollback || op == OP_capture ||
           op == OP_transfer || op == OP_group;
}

/* HSCAN may give a bill twice, the second time with what became of it in between. */
static void add_bill(struct pool *p, uint32_t head, const struct spool_row *bill) {
    for (uint32_t n = head; n != POOL_NONE; n = p->entries[n].next) {
        struct spool_row *known = pool_row(p, n);
        if (!known->is_bill) continue;
        memcpy(known, bill, spool_row_size(bill));
        return;
    }
    pool_add(p, bill);
}

/* Of several rows of one account and key those of code 0 count, each amount once; without such a one the first. */
static void add_listed(struct reconcile *r, struct pool *p, uint32_t head, const struct spool_row *row) {
    for (uint32_t n = head; n != POOL_NONE; n = p->entries[n].next) {
        const struct spool_row *known = pool_row(p, n);
        if (known->is_bill) continue;
        if (known->code != CODE_ok && row->code == CODE_ok) {
            p->entries[n].dropped = true;
        } else if (row->code != CODE_ok || known->amount_minor == row->amount_minor) {
            r->repeated += row->code == CODE_ok;
            return;
        }
    }
    pool_add(p, row);
}

static int put_left(struct reconcile *r, const struct spool_row *row) {
    return spool_put(&r->left, pool_hash(row, true), row) ? CLI_OK : cli_usage(r->cli, "%s", r->left.error);
}

static void compare(struct reconcile *r, const struct spool_row *row, const struct spool_row *bill) {
    if (!moves_money((enum op)bill->op)) {
        r->unmoved += row->code == CODE_ok;
        return;
    }
    r->listed += row->code == CODE_ok;
    if (row->code != CODE_ok && bill->code != CODE_ok) return;
    if (row->code != bill->code || row->amount_minor != bill->amount_minor) reconcile_found(r, FOUND_DIFFERS, row, bill);
    else r->agree++;
}

/* All rows of one account and key, and their bill. */
static int judge_chain(struct reconcile *r, const struct pool *p, uint32_t head) {
    const struct spool_row *bill = NULL;
    bool is_listed = false;
    int code = CLI_OK;
    for (uint32_t n = head; n != POOL_NONE; n = p->entries[n].next)
        if (pool_row(p, n)->is_bill) bill = pool_row(p, n);
    for (uint32_t n = head; !code && n != POOL_NONE; n = p->entries[n].next) {
        const struct spool_row *row = pool_row(p, n);
        if (row->is_bill || p->entries[n].dropped) continue;
        is_listed = true;
        if (bill) compare(r, row, bill);
        else if (row->code == CODE_ok) code = put_left(r, row);
    }
    if (code || !bill || bill->code != CODE_ok || !moves_money((enum op)bill->op)) return code;
    if (!is_listed && reconcile_is_step(r, bill)) return code;
    r->bills++;
    return is_listed ? code : put_left(r, bill);
}

static int join_bucket(struct reconcile *r, struct pool *p, unsigned bucket) {
    const struct spool_row *row;
    pool_empty(p);
    for (;;) {
        if (!spool_next(&r->rows, bucket, &row)) return cli_usage(r->cli, "%s", r->rows.error);
        if (!row) break;
        if (row->is_bill) add_bill(p, pool_find(p, row), row);
        else add_listed(r, p, pool_find(p, row), row);
        progress_add(&r->progress, 1);
    }
    size_t slot = 0;
    int code = CLI_OK;
    for (uint32_t head; !code && (head = pool_chain(p, &slot)) != POOL_NONE;) code = judge_chain(r, p, head);
    return code;
}

static uint32_t next_of(const struct pool *p, uint32_t entry, bool is_bill) {
    while (entry != POOL_NONE && pool_row(p, entry)->is_bill != is_bill) entry = p->entries[entry].next;
    return entry;
}

/* What is left of one key: a row and a bill differ in their account; the others have nothing on the other side. */
static void pair_chain(struct reconcile *r, const struct pool *p, uint32_t head) {
    uint32_t row = next_of(p, head, false), bill = next_of(p, head, true);
    while (row != POOL_NONE || bill != POOL_NONE) {
        enum found found = row == POOL_NONE ? FOUND_MISSING_THERE : bill == POOL_NONE ? FOUND_MISSING_HERE : FOUND_DIFFERS;
        r->listed += row != POOL_NONE;
        reconcile_found(r, found, row == POOL_NONE ? NULL : pool_row(p, row), bill == POOL_NONE ? NULL : pool_row(p, bill));
        if (row != POOL_NONE) row = next_of(p, p->entries[row].next, false);
        if (bill != POOL_NONE) bill = next_of(p, p->entries[bill].next, true);
    }
}

static void pair_pool(struct reconcile *r, struct pool *p) {
    size_t slot = 0;
    for (uint32_t head; (head = pool_chain(p, &slot)) != POOL_NONE;) pair_chain(r, p, head);
    pool_empty(p);
}

static int pair_bucket(struct reconcile *r, struct pool *p, unsigned bucket) {
    const struct spool_row *row;
    pool_empty(p);
    for (;;) {
        if (!spool_next(&r->left, bucket, &row)) return cli_usage(r->cli, "%s", r->left.error);
        if (!row || p->size > LEFT_SIZE_MAX) pair_pool(r, p);
        if (!row) return CLI_OK;
        pool_add(p, row);
    }
}

int reconcile_join(struct reconcile *r) {
    struct pool pool;
    int code = CLI_OK;
    progress_start(&r->progress, "rows and bills compared", r->rows.rows);
    pool_init(&pool, false);
    for (unsigned n = 0; !code && n < SPOOL_BUCKETS; n++) code = join_bucket(r, &pool, n);
    spool_clear(&r->rows);
    pool.by_key = true;
    for (unsigned n = 0; !code && n < SPOOL_BUCKETS; n++) code = pair_bucket(r, &pool, n);
    pool_clear(&pool);
    progress_end(&r->progress);
    return code;
}
