/* A whole search by codes: proposed, read from the file, scored exactly and put in order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "select.h"

/* Bytes of a record before its vector: an int64 row of the chunk, a checksum, four more. */
#define HEAD ((size_t)16)
#define QUERIES_AT_ONCE ((int64_t)16)

typedef struct {
    uint32_t score; /* as numbers that are in the order of the scores */
    uint32_t slot;
    int64_t row;
} scored;

typedef struct {
    const nfa_kernel *kernel;
    const nfa_collection *collection;
    const uint8_t *allowed;
    int64_t coarse, fine, covered;
    int64_t *proposed; /* (QUERIES_AT_ONCE, fine) */
    float *estimates;
    scored *found;
    char *record;
} work;

/* Best first; of equal scores the one that was inserted first. */
static int by_age(const void *a, const void *b) {
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static int allows(const uint8_t *allowed, int64_t slot) {
    return !allowed || (allowed[slot >> 3] >> (slot & 7) & 1);
}

static int32_t score(const work *w, const float *query, double length, int64_t slot, scored *found) {
    const nfa_collection *c = w->collection;
    const size_t dimension = (size_t)c->space->dimension;
    const int32_t status = nfa_read(c->file, c->offset, c->stride,
                                    (int64_t)(HEAD + dimension * sizeof(float)), &slot, 1, w->record);
    if (status != NFA_OK) return status;
    const float *vector = (const float *)(const void *)(w->record + HEAD);
    const double exact = nfa_exact_score_of(w->kernel, (int32_t)c->space->metric, vector, query,
                                            length, dimension);
    found->score = (uint32_t)(nfa_packed_score(exact, 0) >> 32);
    found->slot = (uint32_t)slot;
    memcpy(&found->row, w->record, sizeof found->row);
    return NFA_OK;
}

/* Score what was proposed and what has no codes, and write the best. */
static int32_t finish(const work *w, const float *query, const int64_t *proposed, int64_t k,
                      int64_t *slots, int64_t *rows, float *scores) {
    const size_t dimension = (size_t)w->collection->space->dimension;
    const double length = sqrt(w->kernel->exact_dot(query, query, dimension));
    int32_t status = NFA_OK;
    int64_t count = 0;
    for (int64_t i = 0; w->covered && i < w->fine && proposed[i] >= 0 && status == NFA_OK; i++)
        status = score(w, query, length, proposed[i], &w->found[count++]);
    for (int64_t slot = w->covered; slot < w->collection->slots && status == NFA_OK; slot++)
        if (allows(w->allowed, slot)) status = score(w, query, length, slot, &w->found[count++]);
    if (status != NFA_OK) return status;
    qsort(w->found, (size_t)count, sizeof *w->found, by_age);
    for (int64_t i = 0; i < k; i++) {
        const int there = i < count;
        slots[i] = there ? (int64_t)w->found[i].slot : -1;
        rows[i] = there ? w->found[i].row : -1;
        scores[i] = there ? unordered(w->found[i].score) : -INFINITY;
    }
    return NFA_OK;
}

static int32_t search_group(const work *w, const float *queries, int64_t count, int64_t k,
                            int64_t *slots, int64_t *rows, float *scores) {
    const nfa_collection *c = w->collection;
    const size_t dimension = (size_t)c->space->dimension;
    for (int64_t q = 0; q < count; q++) {
        const float *query = queries + (size_t)q * dimension;
        const double square = w->kernel->exact_dot(query, query, dimension);
        if (!(square > 0.0 && square < (double)INFINITY)) return NFA_REJECTED;
    }
    int32_t status = NFA_OK;
    if (w->covered)
        status = nfa_code_search(c->kernel, c->space, c->segments, w->covered, c->lists, queries,
                                 count, w->coarse, w->fine, w->allowed, w->proposed, w->estimates);
    for (int64_t q = 0; q < count && status == NFA_OK; q++)
        status = finish(w, queries + (size_t)q * dimension, w->proposed + q * w->fine, k,
                        slots + q * k, rows + q * k, scores + q * k);
    return status;
}

static int fits(const nfa_collection *c) {
    if (!c || !nfa_kernel_at(c->kernel) || !nfa_space_ok(c->space)) return 0;
    if (c->covered < 0 || c->slots < 0 || c->slots > UINT32_MAX || (c->covered && !c->segments))
        return 0;
    return c->offset >= 0 && c->stride >= (int64_t)HEAD + 4 * c->space->dimension;
}

int32_t nfa_nearest(const nfa_collection *collection, const float *queries, int64_t query_count,
                    int64_t coarse, int64_t fine, const uint8_t *allowed, int64_t k, int64_t *slots,
                    int64_t *rows, float *scores) {
    if (!fits(collection) || query_count < 0 || k < 1 || fine < 1 || coarse < fine)
        return NFA_INVALID;
    const int64_t all = collection->slots;
    if (fine > all) fine = all > 1 ? all : 1;
    const int64_t covered = collection->covered < all ? collection->covered : all;
    const int64_t at_once = query_count < QUERIES_AT_ONCE ? query_count : QUERIES_AT_ONCE;
    work w = {nfa_kernel_at(collection->kernel), collection, allowed, coarse, fine, covered,
              NULL, NULL, NULL, NULL};
    w.proposed = malloc((size_t)(at_once * fine + 1) * sizeof *w.proposed);
    w.estimates = malloc((size_t)(at_once * fine + 1) * sizeof *w.estimates);
    w.found = malloc((size_t)(fine + all - covered + 1) * sizeof *w.found);
    w.record = malloc((size_t)collection->stride);
    int32_t status = NFA_OK;
    if (!w.proposed || !w.estimates || !w.found || !w.record) status = NFA_OUT_OF_MEMORY;
    for (int64_t q = 0; q < query_count && status == NFA_OK; q += QUERIES_AT_ONCE) {
        const int64_t left = query_count - q, count = left < at_once ? left : at_once;
        status = search_group(&w, queries + q * collection->space->dimension, count, k,
                              slots + q * k, rows + q * k, scores + q * k);
    }
    free(w.proposed);
    free(w.estimates);
    free(w.found);
    free(w.record);
    return status;
}
