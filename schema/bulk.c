/* Bulk entries. The array's header is put in front of the intents when all of them are there: it has room for its longer form. */
#include "schema/bulk.h"

#include <assert.h>
#include <string.h>

#include "schema/pack.h"

enum { HEAD_MAX = 3, HEAD_SHORT_MAX = 15, SIG_PACKED = SIGN_SIZE + 2 };

bool bulk_takes(const struct intent *intent) {
    return op_is_bulk(intent->op) && intent->not_before_ms == 0 && intent->order[0] == '\0';
}

/* Which of them are signed. */
static const char *split_sigs(const void *sigs, size_t size, struct bulk_part *parts, unsigned count) {
    const char *why = "`sigs` is no array of as many signatures as there are intents";
    struct pack_tree *tree = pack_tree_new();
    struct pack_value array;
    assert(tree != NULL); /* out of memory is no property of the entry: it stays pending */
    bool fits = pack_decode(tree, sigs, size, &array) && array.type == PACK_ARRAY && array.count == count;
    for (unsigned n = 0; fits && n < count; n++) {
        struct pack_value sig = pack_at(&array, n);
        fits = sig.type == PACK_NIL || (sig.type == PACK_BYTES && sig.count == SIGN_SIZE);
        parts[n].sig = sig.type == PACK_BYTES ? sig.bytes : NULL;
        parts[n].sig_size = sig.type == PACK_BYTES ? sig.count : 0;
    }
    pack_tree_free(tree);
    return fits ? NULL : why;
}

void bulk_split_traces(const void *traces, size_t size, struct bulk_part *parts, unsigned count) {
    struct pack_tree *tree = pack_tree_new();
    struct pack_value array;
    assert(tree != NULL);
    bool fits = pack_decode(tree, traces, size, &array) && array.type == PACK_ARRAY && array.count == count;
    for (unsigned n = 0; fits && n < count; n++) {
        struct pack_value trace = pack_at(&array, n);
        parts[n].trace = trace.type == PACK_TEXT ? trace.bytes : NULL;
        parts[n].trace_size = trace.count;
    }
    pack_tree_free(tree);
}

const char *bulk_split(const void *intents, size_t size, const void *sigs, size_t sigs_size, struct bulk_part parts[BULK_INTENTS_MAX],
                       unsigned *count) {
    struct pack_span spans[BULK_INTENTS_MAX];
    uint32_t found;
    if (size + (sigs != NULL ? sigs_size : 0) > BULK_SIZE_MAX)
        return "`intents` is larger than 16 KiB";
    if (!pack_spans(intents, size, spans, BULK_INTENTS_MAX, &found) || found < BULK_INTENTS_MIN)
        return "`intents` is no array of 2 to 64 intents";
    for (uint32_t n = 0; n < found; n++)
        parts[n] = (struct bulk_part){.bytes = spans[n].bytes, .size = spans[n].size};
    *count = found;
    return sigs != NULL ? split_sigs(sigs, sigs_size, parts, found) : NULL;
}

void bulk_begin(struct bulk_writer *w) {
    w->count = w->signed_count = w->traced_count = 0;
    w->size = HEAD_MAX;
}

bool bulk_add(struct bulk_writer *w, const void *bytes, size_t size, const uint8_t *sig) {
    unsigned any_signed = w->signed_count + (sig != NULL);
    size_t sigs_size = any_signed > 0 ? HEAD_MAX + (w->count + 1) * (size_t)SIG_PACKED : 0;
    if (w->count == BULK_INTENTS_MAX || w->size + size + sigs_size > BULK_SIZE_MAX)
        return false;
    memcpy(w->bytes + w->size, bytes, size);
    w->size += size;
    w->is_signed[w->count] = sig != NULL;
    if (sig != NULL)
        memcpy(w->sigs[w->count], sig, SIGN_SIZE);
    w->traces[w->count][0] = '\0';
    w->signed_count = any_signed;
    w->count++;
    return true;
}

void bulk_trace(struct bulk_writer *w, const char *trace) {
    memcpy(w->traces[w->count - 1], trace, TRACE_SIZE + 1);
    w->traced_count++;
}

const void *bulk_intents(struct bulk_writer *w, size_t *size) {
    size_t head = w->count <= HEAD_SHORT_MAX ? 1 : HEAD_MAX;
    uint8_t *at = w->bytes + HEAD_MAX - head;
    struct pack_writer p;
    pack_writer_init(&p, at, head);
    pack_array(&p, w->count);
    assert(!p.full && p.size == head);
    *size = w->size - HEAD_MAX + head;
    return at;
}

const void *bulk_sigs(struct bulk_writer *w, size_t *size) {
    struct pack_writer p;
    if (w->signed_count == 0)
        return NULL;
    pack_writer_init(&p, w->packed_sigs, sizeof w->packed_sigs);
    pack_array(&p, w->count);
    for (unsigned n = 0; n < w->count; n++) {
        if (w->is_signed[n])
            pack_bytes(&p, w->sigs[n], SIGN_SIZE);
        else
            pack_nil(&p);
    }
    assert(!p.full);
    *size = p.size;
    return w->packed_sigs;
}

const void *bulk_traces(struct bulk_writer *w, size_t *size) {
    struct pack_writer p;
    if (w->traced_count == 0)
        return NULL;
    pack_writer_init(&p, w->packed_traces, sizeof w->packed_traces);
    pack_array(&p, w->count);
    for (unsigned n = 0; n < w->count; n++) {
        if (w->traces[n][0] != '\0')
            pack_text(&p, w->traces[n], TRACE_SIZE);
        else
            pack_nil(&p);
    }
    assert(!p.full);
    *size = p.size;
    return w->packed_traces;
}
