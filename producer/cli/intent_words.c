/* The texts of the intent commands. */
#include "producer/cli/intent_words.h"

#include "producer/cli/intent_fields.h"
#include "producer/cli/when.h"

#define LATER "With --not-before the command returns once the intent is enqueued: it is decided, and answered, at that time. See it\n" \
              "with `till bill`, the answer with `till watch`; `till unschedule` takes it back until then.\n"
#define TRANSFER_ABOUT LATER \
              "To an account in another partition the answer comes when the money has arrived, or is back. Asked again\n" \
              "meanwhile it is in_progress (20).\n"

#define ORDER_ABOUT \
    "A payment of an order is of its total, and pays it once. When the merchant's home is another partition the answer comes\n" \
    "when that has agreed; asked again meanwhile it is in_progress (20).\n"

static const struct intent_words words[OP_COUNT] = {
    [OP_open] = {.group = CLI_ACCOUNTS,
                 .summary = "creates an account: a user, a merchant or an app",
                 .about = "With a password the account's debits must be signed with it.\n",
                 .examples = "  till open --account alice --kind user --currency CNY\n"
                             "  till open --account coffee --kind merchant --currency CNY --json\n"
                             "  (umask 077; till id >pw); till open --account carol --kind user --currency CNY --password-file pw",
                 .extra = EXTRA_SETS_PASSWORD},
    [OP_freeze] = {.group = CLI_ACCOUNTS,
                   .summary = "stops an account paying and receiving",
                   .examples = "  till freeze --account alice\n  till freeze --account coffee --note 'under review'"},
    [OP_thaw] = {.group = CLI_ACCOUNTS,
                 .summary = "lets a frozen account pay and receive again",
                 .examples = "  till thaw --account alice\n  till thaw --account alice --json"},
    [OP_close] = {.group = CLI_ACCOUNTS,
                  .summary = "closes an empty account for good",
                  .examples = "  till close --account alice\n  till close --account alice --json"},
    [OP_inquire] = {.group = CLI_ACCOUNTS,
                    .summary = "answers the balance as of this place in the stream",
                    .examples = "  till inquire --account alice\n  till inquire --account alice --json"},
    [OP_topup] = {.group = CLI_MONEY,
                  .summary = "books money coming in from outside",
                  .about = LATER,
                  .examples = "  till topup --account alice --amount 10000 --currency CNY\n"
                              "  till topup --account alice --amount 1 --currency CNY --no-wait"},
    [OP_withdraw] = {.group = CLI_MONEY,
                     .summary = "books money going out",
                     .about = LATER,
                     .examples = "  till withdraw --account alice --amount 500\n  till withdraw --account alice --amount 500 --json",
                     .extra = EXTRA_SIGNS},
    [OP_pay] = {.group = CLI_MONEY,
                .summary = "pays a merchant",
                .about = LATER ORDER_ABOUT,
                .examples = "  till pay --source shop --key k1 --account alice --to coffee --amount 1999 --currency CNY\n"
                            "  till pay --account alice --to coffee --amount 300 --currency CNY --note 'table 4' --json\n"
                            "  till pay --account alice --to coffee --amount 300 --currency CNY --guard balance_min=1000\n"
                            "  till pay --source shop --key rent --account alice --to coffee --amount 50 --currency CNY --not-before +1h\n"
                            "  till pay --account carol --to coffee --amount 1 --currency CNY --password-file pw\n"
                            "  till pay --source shop --account alice --to coffee --order o-1 --amount 1100 --currency CNY",
                .extra = EXTRA_SIGNS},
    [OP_refund] = {.group = CLI_MONEY,
                   .summary = "gives back all or part of a payment, or of what a hold paid",
                   .examples = "  till refund --source shop --account alice --of k1 --amount 500\n"
                               "  till refund --source shop --account alice --of k1"},
    [OP_rollback] = {.group = CLI_MONEY,
                     .summary = "undoes a topup, withdraw or pay whole, once",
                     .examples = "  till topup --source shop --key t9 --account alice --amount 700 --currency CNY\n"
                                 "  till rollback --source shop --account alice --of t9"},
    [OP_hold] = {.group = CLI_MONEY,
                 .summary = "reserves money for a merchant, to be captured later",
                 .about = LATER,
                 .examples = "  till hold --source shop --key h1 --account alice --to coffee --amount 900 --currency CNY --expires 15m\n"
                             "  till hold --account alice --to coffee --amount 1 --currency CNY --json",
                 .extra = EXTRA_SIGNS},
    [OP_capture] = {.group = CLI_MONEY,
                    .summary = "pays out of a hold: all of it, or a part and the rest is released",
                    .examples = "  till capture --source shop --account alice --of h1 --amount 300 --final no\n"
                                "  till capture --source shop --account alice --of h1 --amount 200"},
    [OP_release] = {.group = CLI_MONEY,
                    .summary = "gives back what is left of a hold",
                    .examples = "  till hold --source shop --key h2 --account alice --to coffee --amount 5 --currency CNY\n"
                                "  till release --source shop --account alice --of h2"},
    [OP_transfer] = {.group = CLI_MONEY,
                     .summary = "moves money to another user's account",
                     .about = TRANSFER_ABOUT,
                     .examples = "  till open --account bob --kind user --currency CNY\n"
                                 "  till transfer --account alice --to bob --amount 250 --note 'lunch'",
                     .extra = EXTRA_SIGNS},
    [OP_group] = {.group = CLI_MONEY,
                  .summary = "does 2 to 16 steps of one account, all or none",
                  .operands = "[STEP]...",
                  .about = "A step is an operation and its fields: pay hold refund capture release transfer. Later ones see what earlier\n"
                           "ones did. When one fails (17) nothing is done; the detail is its number and reason.\n",
                  .examples = "  till group --account alice --currency CNY 'pay to=coffee amount=300' 'hold to=coffee amount=50'\n"
                              "  echo '[{\"op\":\"pay\",\"to\":\"coffee\",\"amount\":1},{\"op\":\"pay\",\"to\":\"tea\",\"amount\":2}]' |"
                              " till group --account alice --currency CNY --steps -",
                  .extra = EXTRA_SIGNS | EXTRA_STEPS},
    [OP_lock] = {.group = CLI_ACCOUNTS,
                 .summary = "locks an account's debits to those that carry a token",
                 .about = "Locking again with the same token extends the lock; --expires 0: until it is unlocked. A debit without the\n"
                          "token gets account_locked (5).\n",
                 .examples = "  till lock --account alice --token order-7 --expires 5m\n"
                             "  till unlock --account alice --token order-7"},
    [OP_unlock] = {.group = CLI_ACCOUNTS,
                   .summary = "lifts a lock, with the token that made it",
                   .examples = "  till lock --account alice --token order-8 --expires 5m\n"
                               "  till unlock --account alice --token order-8"},
    [OP_limit] = {.group = CLI_ACCOUNTS,
                  .summary = "limits how many payments an account makes in a time",
                  .examples = "  till limit --account alice --payments 100 --per 1m\n"
                              "  till limit --account alice --payments 1000 --per 1d --json"},
    [OP_policy] = {.group = CLI_OPERATE,
                   .summary = "changes the rules of the book, in every partition",
                   .operands = "SETTING=VALUE...",
                   .about = "duplicate_window=30s: the same payment under another key within it is suspected (0: never)\n"
                            "fee=250: of settlement, in basis points\n"
                            "settlement_offset=480: minutes east of UTC, 0..1439; n minutes west are 1440 - n\n"
                            "balance_cap=5000000: no credit lifts a balance above it, in minor units\n"
                            "bills_keep=180d: how long bills are kept, and payments can be refunded\n\n"
                            "What is not named stays. A book with a secret (book.secret_file) takes it only signed with that.\n",
                   .examples = "  till policy duplicate_window=0 fee=250\n  till policy bills_keep=180d --json",
                   .extra = EXTRA_SETTINGS},
    [OP_unschedule] = {.group = CLI_MONEY,
                       .summary = "takes back an intent whose time has not come",
                       .examples = "  till topup --source shop --key later --account alice --amount 1 --currency CNY --not-before +1h\n"
                                   "  till unschedule --source shop --account alice --of later"},
    [OP_credential] = {.group = CLI_ACCOUNTS,
                       .summary = "sets, changes or removes the password that signs an account's debits",
                       .about = "Changing and removing need the old one.\n",
                       .examples = "  till open --account dave --kind user --currency CNY\n"
                                   "  (umask 077; till id >pw2); till credential --account dave --password-file pw2\n"
                                   "  till credential --account dave --old-password-file pw2 --remove",
                       .extra = EXTRA_CHANGES_PASSWORD},
    [OP_price] = {.group = CLI_SHOP,
                  .summary = "sets the price of an article",
                  .operands = "MERCHANT SKU AMOUNT",
                  .operand_fields = {FIELD_account, FIELD_sku, FIELD_amount},
                  .about = "AMOUNT is that of one, in minor units: 1999 is 19.99. What was ordered before keeps its price.\n",
                  .examples = "  till price coffee tea 300\n  till price coffee cake 500 --currency CNY --json"},
    [OP_stock] = {.group = CLI_SHOP,
                  .summary = "puts articles in stock, or takes some off",
                  .operands = "MERCHANT SKU +N|-N",
                  .operand_fields = {FIELD_account, FIELD_sku, FIELD_quantity},
                  .about = "The answer's stock is what is there after it. What orders have reserved is off it already.\n",
                  .examples = "  till stock coffee tea +100\n  till stock coffee cake +10\n"
                              "  till stock coffee tea -1 --note 'a broken one'"},
    [OP_order] = {.group = CLI_SHOP,
                  .summary = "makes an order of a merchant: reserves what is in it and fixes the total",
                  .operands = "MERCHANT ORDER",
                  .operand_fields = {FIELD_account, FIELD_order},
                  .about = "ORDER is the merchant's own name for it, used once. With lines the prices make the total, and all lines\n"
                           "are reserved or none; or it is over an amount. Unless it is paid by its deadline it lapses, and what\n"
                           "was reserved is back in stock.\n",
                  .examples = "  till order coffee o-1 --line tea=2 --line cake=1 --expires 15m\n"
                              "  till order coffee o-2 --amount 700 --to alice --json"},
    [OP_cancel] = {.group = CLI_SHOP,
                   .summary = "cancels an order that is not paid; what it reserved is back in stock",
                   .operands = "MERCHANT ORDER",
                   .operand_fields = {FIELD_account, FIELD_order},
                   .examples = "  till order coffee o-3 --line tea=1\n  till cancel coffee o-3"},
};

static const struct intent_field_words fields[FIELD_COUNT] = {
    [FIELD_source] = {"NAME", "the upstream it comes from; default " INTENT_SOURCE_CLI, NULL},
    [FIELD_key] = {"KEY", "idempotency key; without it one is made and shown", NULL},
    [FIELD_at] = {"TIME", "when it was created; a retry says what it said first; default now", NULL},
    [FIELD_account] = {"ID", "the account it acts on", NULL},
    [FIELD_to] = {"ID", "who gets it: the merchant, or of a transfer the account", NULL},
    [FIELD_amount] = {"MINOR", "in minor units: 1999 is 19.99", NULL},
    [FIELD_currency] = {"CUR", "three capital letters", NULL},
    [FIELD_of] = {"KEY", "key of the intent referred to, of the same source and account", NULL},
    [FIELD_of_at] = {"TIME", "when that was created, if known; finds it faster", NULL},
    [FIELD_kind] = {"user|merchant|app", "what it is", NULL},
    [FIELD_allow_duplicate] = {NULL, "also when it looks like a payment made a moment ago", NULL},
    [FIELD_note] = {"TEXT", "kept in the ledger, up to 256 bytes", NULL},
    [FIELD_expires] = {"LENGTH", "lapses by itself after so long: 30s, 15m, 7d; 0: never", NULL},
    [FIELD_not_before] = {"TIME", "decided only then: +10m, +2h, 2025-11-30T14:05Z; at most 90d ahead", NULL},
    [FIELD_token] = {"TOKEN", "of the lock", NULL},
    [FIELD_payments] = {"N", "at most so many payments", NULL},
    [FIELD_per] = {"LENGTH", "in so long: 10s, 1m, 1d", NULL},
    [FIELD_final] = {"yes|no", "no: more captures will follow; default yes, the rest is released", NULL},
    [FIELD_guard] = {"NAME=N,...", "only if all of these hold: seq=N, balance_min=N, refunded=N", NULL},
    [FIELD_order] = {"ORDER", "the merchant's order that it pays", NULL},
    [FIELD_lines] = {"SKU=QUANTITY ...", "an article and how many of it; as often as needed, each article once", "line"},
};

/* What means something else in an order. */
static const struct intent_field_words order_to = {"ID", "the customer, who alone may pay it; default anybody", NULL};
static const struct intent_field_words order_amount = {"MINOR", "its total, instead of lines; 1999 is 19.99", NULL};

const struct intent_words *intent_words(enum op op) { return &words[op]; }

const struct intent_field_words *intent_field_words(enum op op, enum field field) {
    if (op == OP_order && field == FIELD_to) return &order_to;
    if (op == OP_order && field == FIELD_amount) return &order_amount;
    return &fields[field];
}
