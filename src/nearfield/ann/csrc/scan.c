/* Search in codes: all vectors by 1-bit estimate, the best of them by 4-bit estimate. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "prepare.h"
#include "select.h"

/* Rows are asked for this many ahead of their use. */
#define AHEAD ((size_t)8)

/* One query's state; the best are in front whenever `kept` is trimmed. */
typedef struct {
    nfa_query query;
    uint64_t *kept;
    size_t count, room, coarse;
    float threshold;
} search;

typedef struct {
    const nfa_kernel *kernel;
    const nfa_space *space;
    const unsigned char *segments;
    size_t count, width, segment_bytes;
    const uint8_t *allowed;
} codes;

static float estimate_of(uint64_t kept) {
    return kept >> 32 == UINT32_MAX ? NAN : score_of(kept);
}

static void trim(search *s) {
    if (s->count <= s->coarse) return;
    greatest_first(s->kept, s->count, s->coarse);
    s->count = s->coarse;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < s->count; i++) least = s->kept[i] < least ? s->kept[i] : least;
    /* Once NaN fills the list only further NaN passes, and loses by its slot. */
    s->threshold = least >> 32 == UINT32_MAX ? INFINITY : score_of(least);
}

static void scan_block(const codes *c, search *s, const unsigned char *block, size_t first,
                       uint64_t wanted) {
    float estimates[BLOCK];
    uint64_t above = c->kernel->estimate(&s->query, c->width, block, s->threshold, estimates);
    for (above &= wanted; above; above &= above - 1) {
        const size_t i = (size_t)__builtin_ctzll(above);
        if (s->count == s->room) trim(s);
        s->kept[s->count++] = pack(estimates[i], (uint32_t)(first + i));
    }
}

static const unsigned char *block_of(const codes *c, size_t slot) {
    return c->segments + slot / SEGMENT * c->segment_bytes +
           slot % SEGMENT / BLOCK * block_bytes(c->width);
}

/* Block by block, so that its codes are in the nearest cache for every query. */
static void scan(const codes *c, search *searches, size_t count) {
    for (size_t first = 0; first < c->count; first += BLOCK) {
        const uint64_t wanted = mask_word(c->allowed, first / BLOCK, c->count);
        if (!wanted) continue;
        const unsigned char *block = block_of(c, first);
        for (size_t q = 0; q < count; q++) scan_block(c, &searches[q], block, first, wanted);
    }
    for (size_t q = 0; q < count; q++) trim(&searches[q]);
}

static const unsigned char *row_of(const codes *c, size_t slot) {
    return c->segments + slot / SEGMENT * c->segment_bytes + rows_offset(c->width, SEGMENT) +
           slot % SEGMENT * row_bytes(c->width);
}

/* A level is 8 s + e, its sign and its three low bits: 2u - 15 = 8 (2s - 1) + (2e - 7). The scan's
 * estimate has the product with the signs, so that only that with the rest is added. */
static float four_bit_estimate(const codes *c, const nfa_query *query, size_t slot, float one_bit) {
    const unsigned char *row = row_of(c, slot), *ends = row + low_bytes(c->width);
    float add;
    uint16_t factor, ratio;
    memcpy(&add, ends, 4);
    memcpy(&factor, ends + 4, 2);
    memcpy(&ratio, ends + 6, 2);
    const float signs = 8.0f * (one_bit - query->add_factor * nfa_widened(nfa_bfloat16(add)));
    const int32_t sum = c->kernel->low_product(row, query->bytes, c->width);
    const float rest = nfa_widened(factor) * (query->low_step * (float)(2 * sum + query->low_base));
    return query->add_factor * add + (float)ratio * (1.0f / 32768.0f) * (signs + rest);
}

static void prefetch(const codes *c, size_t slot) {
    const unsigned char *row = row_of(c, slot);
    const size_t last = row_bytes(c->width) - 1;
    for (size_t i = 0; i < last; i += 64) __builtin_prefetch(row + i);
    __builtin_prefetch(row + last); /* rows may begin anywhere in a line */
}

/* Estimate again what was kept, from its rows, and keep the best `fine`. */
static void refine(const codes *c, search *s, size_t fine) {
    for (size_t i = 0; i < s->count; i++) {
        if (i + AHEAD < s->count) prefetch(c, slot_of(s->kept[i + AHEAD]));
        const uint32_t slot = slot_of(s->kept[i]);
        s->kept[i] = pack(four_bit_estimate(c, &s->query, slot, estimate_of(s->kept[i])), slot);
    }
    if (s->count > fine) {
        greatest_first(s->kept, s->count, fine);
        s->count = fine;
    }
    sort_greatest_first(s->kept, s->count);
}

static void answer(const codes *c, const search *s, size_t fine, int64_t *slots,
                   float *estimates) {
    for (size_t i = 0; i < fine; i++) {
        const int there = i < s->count;
        slots[i] = there ? (int64_t)slot_of(s->kept[i]) : -1;
        estimates[i] = -INFINITY;
        if (!there) continue;
        estimates[i] = nfa_score_of_estimate(c->space, &s->query, estimate_of(s->kept[i]));
    }
}

/* Scratch of one query: its rotation, its tables and bytes, and the kept ones. */
static size_t scratch_bytes(size_t width, size_t room) {
    const size_t bytes = width * sizeof(float) + width * 4 + width + room * sizeof(uint64_t);
    return (bytes + 63) / 64 * 64;
}

static void give_scratch(search *s, unsigned char *scratch, size_t width) {
    s->kept = (uint64_t *)(void *)(scratch + width * sizeof(float));
    s->query.tables = (uint8_t *)(s->kept + s->room);
    s->query.bytes = (int8_t *)(s->query.tables + width * 4);
}

static int32_t search_group(const codes *c, const float *queries, size_t count, size_t coarse,
                            size_t fine, int64_t *slots, float *estimates) {
    const size_t room = coarse + (coarse < 512 ? 512 : coarse);
    const size_t each = scratch_bytes(c->width, room);
    search *searches = calloc(count, sizeof *searches);
    unsigned char *scratch = aligned_alloc(64, count * each + 64);
    if (!searches || !scratch) {
        free(searches);
        free(scratch);
        return NFA_OUT_OF_MEMORY;
    }
    for (size_t q = 0; q < count; q++) {
        search *s = &searches[q];
        unsigned char *own = scratch + q * each;
        s->room = room;
        s->coarse = coarse;
        s->threshold = -INFINITY;
        give_scratch(s, own, c->width);
        nfa_prepare(c->kernel, c->space, queries + q * (size_t)c->space->dimension,
                    (float *)(void *)own, &s->query);
    }
    scan(c, searches, count);
    for (size_t q = 0; q < count; q++) {
        refine(c, &searches[q], fine);
        answer(c, &searches[q], fine, slots + q * fine, estimates + q * fine);
    }
    free(searches);
    free(scratch);
    return NFA_OK;
}

#define QUERIES_AT_ONCE ((size_t)16)

int32_t nfa_code_search(int32_t kernel, const nfa_space *space, const void *segments,
                        int64_t count, const float *queries, int64_t query_count, int64_t coarse,
                        int64_t fine, const uint8_t *allowed, int64_t *slots, float *estimates) {
    const nfa_kernel *chosen = nfa_kernel_at(kernel);
    if (!chosen || !nfa_space_ok(space) || count < 0 || count > UINT32_MAX || query_count < 0)
        return NFA_INVALID;
    if (fine < 1 || coarse < fine || coarse > UINT32_MAX || (count && !segments))
        return NFA_INVALID;
    const size_t width = (size_t)space->width;
    if ((size_t)coarse > (size_t)count && count) coarse = fine > count ? fine : count;
    const codes c = {chosen, space, segments, (size_t)count, width, segment_bytes(width), allowed};
    for (int64_t q = 0; q < query_count; q += (int64_t)QUERIES_AT_ONCE) {
        const int64_t left = query_count - q;
        const size_t group = left < (int64_t)QUERIES_AT_ONCE ? (size_t)left : QUERIES_AT_ONCE;
        const int32_t status =
            search_group(&c, queries + q * space->dimension, group, (size_t)coarse, (size_t)fine,
                         slots + q * fine, estimates + q * fine);
        if (status != NFA_OK) return status;
    }
    return NFA_OK;
}
