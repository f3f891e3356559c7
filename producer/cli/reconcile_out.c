/* What was found, as a table, as JSON lines or as CSV: sorted, if it is no more than a page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/json_out.h"
#include "producer/cli/reconcile.h"
#include "schema/code.h"

enum { CELL_SIZE = 160, TEXT_SIZE = INTENT_KEY_MAX + 1 };

static const char *const titles[FOUND_COUNT] = {"missing here", "missing there", "differs"};

static const struct table_column columns[] = {{"FOUND", false}, {"KEY", false},  {"ACCOUNT", false}, {"OP", false},
                                              {"LIST", false},  {"TILL", false}, {"LINE", true},     {"BILL", false},
                                              {NULL, false}};

void reconcile_init(struct reconcile *r) {
    spool_init(&r->rows);
    spool_init(&r->left);
    table_init(&r->table, columns);
    r->page = malloc(RECONCILE_PAGE * sizeof *r->page);
    if (!r->page) abort();
}

void reconcile_clear(struct reconcile *r) {
    spool_clear(&r->rows);
    spool_clear(&r->left);
    table_clear(&r->table);
    free(r->groups);
    free(r->page);
}

static bool differs_account(const struct finding *f) {
    return f->file.account_size != f->bill.account_size || memcmp(f->file.text, f->bill.text, f->file.account_size) != 0;
}

static bool differs_amount(const struct finding *f) { return f->file.amount_minor != f->bill.amount_minor; }
static bool differs_code(const struct finding *f) { return f->file.code != f->bill.code; }

static const char *account_of(const struct spool_row *row, char out[TEXT_SIZE]) {
    snprintf(out, TEXT_SIZE, "%.*s", (int)row->account_size, row->text);
    return out;
}

static const char *key_of(const struct spool_row *row, char out[TEXT_SIZE]) {
    snprintf(out, TEXT_SIZE, "%.*s", (int)row->key_size, row->text + row->account_size);
    return out;
}

static const char *number_of(const struct spool_row *bill, char out[TEXT_SIZE]) {
    *out = '\0';
    if (bill->place) snprintf(out, TEXT_SIZE, "%u-%" PRIu64, BILL_PARTITION(bill->place), BILL_NUMBER(bill->place));
    return out;
}

static const char *amount_of(const struct spool_row *row, char out[TEXT_SIZE]) {
    *out = '\0';
    if (row->amount_minor >= 0) snprintf(out, TEXT_SIZE, "%" PRId64, row->amount_minor);
    return out;
}

/* "amount 1999", "code 3 insufficient_funds", "account bob": what differs of one side. Of a code with it the amount is no matter. */
static void print_side(const struct finding *f, const struct spool_row *row, char out[CELL_SIZE]) {
    char text[TEXT_SIZE];
    size_t size = 0;
    const char *gap = "";
    *out = '\0';
    if (differs_account(f)) {
        size += (size_t)snprintf(out + size, CELL_SIZE - size, "account %s", account_of(row, text));
        gap = ", ";
    }
    if (differs_code(f)) {
        size += (size_t)snprintf(out + size, CELL_SIZE - size, "%scode %d %s", gap, row->code, code_word(row->code));
        gap = ", ";
    }
    if (differs_amount(f)) snprintf(out + size, CELL_SIZE - size, "%samount %s", gap, *amount_of(row, text) ? text : "none");
}

static void add_row(struct reconcile *r, const struct finding *f) {
    const struct spool_row *row = f->has_file ? &f->file : &f->bill;
    char text[TEXT_SIZE], list[CELL_SIZE] = "", till[CELL_SIZE] = "";
    bool both = f->has_file && f->has_bill;
    if (both) print_side(f, &f->file, list);
    else if (f->has_file) snprintf(list, sizeof list, "amount %s", amount_of(&f->file, text));
    if (both) print_side(f, &f->bill, till);
    else if (f->has_bill) snprintf(till, sizeof till, "amount %s", amount_of(&f->bill, text));
    table_add(&r->table, titles[f->found]);
    table_add(&r->table, key_of(row, text));
    table_add(&r->table, account_of(row, text));
    table_add(&r->table, f->has_bill ? op_word((enum op)f->bill.op) : "");
    table_add(&r->table, list);
    table_add(&r->table, till);
    table_add_number(&r->table, f->has_file, (int64_t)f->file.place);
    table_add(&r->table, f->has_bill ? number_of(&f->bill, text) : "");
}

static json_t *side_json(const struct spool_row *row) {
    char text[TEXT_SIZE];
    json_t *object = json_out_object();
    if (row->is_bill) json_out_text(object, "bill", number_of(row, text));
    else json_out_number(object, "line", (int64_t)row->place);
    if (row->is_bill) json_out_text(object, "op", op_word((enum op)row->op));
    json_out_text(object, "account", account_of(row, text));
    json_out_optional(object, "amount", row->amount_minor >= 0, row->amount_minor);
    json_out_number(object, "code", row->code);
    return object;
}

static void print_json(const struct finding *f) {
    static const char *const words[FOUND_COUNT] = {"missing_here", "missing_there", "differs"};
    const struct spool_row *row = f->has_file ? &f->file : &f->bill;
    bool both = f->has_file && f->has_bill;
    char text[TEXT_SIZE];
    json_t *object = json_out_object(), *in = json_out_array();
    json_out_text(object, "found", words[f->found]);
    json_out_text(object, "key", key_of(row, text));
    json_out_text(object, "account", account_of(row, text));
    if (both && differs_account(f)) json_out_append(in, json_out_string("account", 7));
    if (both && differs_amount(f)) json_out_append(in, json_out_string("amount", 6));
    if (both && differs_code(f)) json_out_append(in, json_out_string("code", 4));
    json_out_value(object, "differs", in);
    json_out_value(object, "list", f->has_file ? side_json(&f->file) : json_null());
    json_out_value(object, "till", f->has_bill ? side_json(&f->bill) : json_null());
    json_out(object);
}

/* A field of RFC 4180, quoted when it must be. */
static void print_field(const char *text, const char *end) {
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        printf("%s%s", text, end);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    printf("\"%s", end);
}

static void print_csv_side(const struct spool_row *row, bool present, const char *end) {
    char text[TEXT_SIZE] = "";
    print_field(present ? account_of(row, text) : "", ",");
    print_field(present ? amount_of(row, text) : "", ",");
    if (present) snprintf(text, sizeof text, "%d", row->code);
    print_field(present ? text : "", end);
}

static void print_csv(const struct finding *f) {
    char text[TEXT_SIZE];
    print_field(titles[f->found], ",");
    print_field(key_of(f->has_file ? &f->file : &f->bill, text), ",");
    if (f->has_file) printf("%" PRIu64, f->file.place);
    putchar(',');
    print_csv_side(&f->file, f->has_file, ",");
    print_field(f->has_bill ? number_of(&f->bill, text) : "", ",");
    print_field(f->has_bill ? op_word((enum op)f->bill.op) : "", ",");
    print_csv_side(&f->bill, f->has_bill, "\n");
}

static int compare_numbers(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int by_place(const void *a, const void *b) {
    const struct finding *x = a, *y = b;
    if (x->found != y->found) return (int)x->found - (int)y->found;
    int order = x->has_file ? compare_numbers(x->file.place, y->file.place) : compare_numbers(x->bill.place, y->bill.place);
    return order;
}

static void print_page(struct reconcile *r) {
    if (r->progress.on) fputs("\r\x1b[K", stderr);
    if (r->page_count) qsort(r->page, r->page_count, sizeof *r->page, by_place);
    for (size_t n = 0; n < r->page_count; n++) {
        if (r->style == RECONCILE_TABLE) add_row(r, &r->page[n]);
        else if (r->style == RECONCILE_JSON) print_json(&r->page[n]);
        else print_csv(&r->page[n]);
    }
    if (r->style == RECONCILE_TABLE && r->page_count) table_flush(&r->table);
    r->page_count = 0;
}

void reconcile_found(struct reconcile *r, enum found found, const struct spool_row *file, const struct spool_row *bill) {
    struct finding *f = &r->page[r->page_count++];
    f->found = found;
    f->has_file = file != NULL;
    f->has_bill = bill != NULL;
    if (file) memcpy(&f->file, file, spool_row_size(file));
    if (bill) memcpy(&f->bill, bill, spool_row_size(bill));
    r->found[found]++;
    if (r->page_count == RECONCILE_PAGE) print_page(r);
}

static void print_summary_json(const struct reconcile *r) {
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {{"from", r->from_ms},
                   {"to", r->to_ms},
                   {"read", r->read},
                   {"bad", r->bad},
                   {"listed", r->listed},
                   {"repeated", r->repeated},
                   {"moved_nothing", r->unmoved},
                   {"bills", r->bills},
                   {"unreadable", r->unreadable},
                   {"agree", r->agree},
                   {"missing_here", r->found[FOUND_MISSING_HERE]},
                   {"missing_there", r->found[FOUND_MISSING_THERE]},
                   {"differs", r->found[FOUND_DIFFERS]}};
    json_t *object = json_out_object(), *summary = json_out_object();
    json_out_text(summary, "source", r->source);
    json_out_text(summary, "day", r->day);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) json_out_number(summary, numbers[n].name, (int64_t)numbers[n].number);
    json_out_value(object, "summary", summary);
    json_out(object);
}

void reconcile_finish(struct reconcile *r) {
    FILE *out = r->style == RECONCILE_CSV ? stderr : stdout;
    print_page(r);
    if (r->style == RECONCILE_JSON) {
        print_summary_json(r);
        return;
    }
    fprintf(out, "%s of %s: %" PRIu64 " listed, %" PRIu64 " bills, %" PRIu64 " agree; missing here: %" PRIu64 ", missing there: %" PRIu64
                 ", differ: %" PRIu64 "\n",
            r->source, r->day, r->listed, r->bills, r->agree, r->found[FOUND_MISSING_HERE], r->found[FOUND_MISSING_THERE],
            r->found[FOUND_DIFFERS]);
    if (r->repeated) fprintf(out, "listed again: %" PRIu64 "\n", r->repeated);
    if (r->unmoved) fprintf(out, "listed, but moved nothing: %" PRIu64 "\n", r->unmoved);
}
