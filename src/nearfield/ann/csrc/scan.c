/* Search in codes: all vectors, or lists of them, by 1-bit estimate, the best by 4-bit estimate. */
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
    float *near; /* the best estimates, the least of them first (a heap), of a search in lists */
    size_t near_count, near_room;
} search;

typedef struct {
    const nfa_kernel *kernel;
    const nfa_space *space;
    const unsigned char *segments;
    const nfa_lists *lists;
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

static void keep_near(search *s, float estimate) {
    float *near = s->near;
    const size_t room = s->near_room;
    size_t i = s->near_count, child;
    if (estimate != estimate) return;
    if (i < room) {
        s->near_count++;
        for (; i && near[(i - 1) / 2] > estimate; i = (i - 1) / 2) near[i] = near[(i - 1) / 2];
    } else if (estimate > near[0]) {
        for (i = 0; (child = 2 * i + 1) < room; i = child) {
            if (child + 1 < room && near[child + 1] < near[child]) child++;
            if (near[child] >= estimate) break;
            near[i] = near[child];
        }
    } else {
        return;
    }
    near[i] = estimate;
}

/* `slots` of the block's places; where there are none, they count from `first`. */
static void scan_block(const codes *c, search *s, const unsigned char *block, size_t first,
                       const uint32_t *slots, uint64_t wanted) {
    float estimates[BLOCK];
    uint64_t above = c->kernel->estimate(&s->query, c->width, block, s->threshold, estimates);
    for (above &= wanted; above; above &= above - 1) {
        const size_t i = (size_t)__builtin_ctzll(above), slot = slots ? slots[i] : first + i;
        if (slot >= c->count) continue; /* an empty place, or a slot that came later */
        if (s->count == s->room) trim(s);
        s->kept[s->count++] = pack(estimates[i], (uint32_t)slot);
        if (s->near) keep_near(s, estimates[i]);
    }
}

static const unsigned char *block_of(const codes *c, size_t slot) {
    return c->segments + slot / SEGMENT * c->segment_bytes +
           slot % SEGMENT / BLOCK * block_bytes(c->width);
}

/* Slots from `from` on, block by block, so that codes are in the nearest cache for every query. */
static void scan(const codes *c, search *searches, size_t count, size_t from) {
    for (size_t first = from / BLOCK * BLOCK; first < c->count; first += BLOCK) {
        uint64_t wanted = mask_word(c->allowed, first / BLOCK, c->count);
        if (first < from) wanted &= ~(uint64_t)0 << (from - first);
        if (!wanted) continue;
        const unsigned char *block = block_of(c, first);
        for (size_t q = 0; q < count; q++) scan_block(c, &searches[q], block, first, NULL, wanted);
    }
}

/* Places whose slots are there and allowed. */
static uint64_t wanted_of(const codes *c, const uint32_t *slots) {
    uint64_t wanted = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const size_t slot = slots[i];
        uint64_t bit = slot < c->count;
        if (bit && c->allowed) bit = c->allowed[slot / 8] >> slot % 8 & 1;
        wanted |= bit << i;
    }
    return wanted;
}

/* The lists in order of how good an estimate they may hold. */
static void order_lists(const codes *c, const nfa_query *query, uint64_t *order) {
    const nfa_lists *l = c->lists;
    for (size_t i = 0; i < (size_t)l->count; i++) {
        const int32_t sum = c->kernel->byte_product(l->means + i * c->width, query->bytes, c->width);
        const float mean = query->add_factor * l->adds[i] + query->low_step * l->steps[i] * (float)sum;
        const float spread = query->norm * l->spreads[i] + fabsf(query->add_factor) * l->add_spreads[i];
        const float bound = mean + l->reach * spread;
        order[i] = pack(bound == bound ? bound : INFINITY, (uint32_t)i);
    }
    sort_greatest_first(order, (size_t)l->count);
}

static void scan_lists(const codes *c, search *s, uint64_t *order) {
    const nfa_lists *l = c->lists;
    const size_t each = list_block_bytes(c->width);
    scan(c, s, 1, (size_t)l->covered);
    order_lists(c, &s->query, order);
    for (size_t i = 0; i < (size_t)l->count; i++) {
        if (s->near_count == s->near_room && score_of(order[i]) <= s->near[0]) break;
        const uint32_t list = slot_of(order[i]);
        const unsigned char *block = (const unsigned char *)l->blocks + l->starts[list] * each;
        for (size_t b = l->starts[list]; b < l->starts[list + 1]; b++, block += each) {
            const uint32_t *slots = (const uint32_t *)(const void *)(block + block_bytes(c->width));
            const uint64_t wanted = c->allowed ? wanted_of(c, slots) : ~(uint64_t)0;
            if (wanted) scan_block(c, s, block, 0, slots, wanted);
        }
    }
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

/* Scratch of one query: its rotation, the kept ones, its tables and bytes; for lists their order
 * and the best estimates. */
static size_t scratch_bytes(size_t width, size_t room, size_t lists, size_t near) {
    const size_t bytes = width * sizeof(float) + width * 4 + width + room * sizeof(uint64_t) +
                         (lists ? lists * sizeof(uint64_t) + near * sizeof(float) : 0);
    return (bytes + 63) / 64 * 64;
}

/* Returns where the order of the lists goes. */
static uint64_t *give_scratch(search *s, unsigned char *scratch, size_t width, size_t lists,
                              size_t near) {
    s->kept = (uint64_t *)(void *)(scratch + width * sizeof(float));
    uint64_t *order = s->kept + s->room;
    s->near = lists ? (float *)(void *)(order + lists) : NULL;
    s->near_room = near;
    s->query.tables = (uint8_t *)(order + lists) + (lists ? near * sizeof(float) : 0);
    s->query.bytes = (int8_t *)(s->query.tables + width * 4);
    return order;
}

static int32_t search_group(const codes *c, const float *queries, size_t count, size_t coarse,
                            size_t fine, int64_t *slots, float *estimates) {
    const size_t room = coarse + (coarse < 512 ? 512 : coarse);
    const size_t lists = c->lists ? (size_t)c->lists->count : 0;
    const size_t near = (coarse + 1) / 2; /* lists that cannot come so far up are passed over */
    const size_t each = scratch_bytes(c->width, room, lists, near);
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
        uint64_t *order = give_scratch(s, own, c->width, lists, near);
        nfa_prepare(c->kernel, c->space, queries + q * (size_t)c->space->dimension,
                    (float *)(void *)own, &s->query);
        if (lists) scan_lists(c, s, order);
    }
    if (!lists) scan(c, searches, count, 0);
    for (size_t q = 0; q < count; q++) {
        trim(&searches[q]);
        refine(c, &searches[q], fine);
        answer(c, &searches[q], fine, slots + q * fine, estimates + q * fine);
    }
    free(searches);
    free(scratch);
    return NFA_OK;
}

#define QUERIES_AT_ONCE ((size_t)16)

int32_t nfa_code_search(int32_t kernel, const nfa_space *space, const void *segments,
                        int64_t count, const nfa_lists *lists, const float *queries,
                        int64_t query_count, int64_t coarse, int64_t fine, const uint8_t *allowed,
                        int64_t *slots, float *estimates) {
    const nfa_kernel *chosen = nfa_kernel_at(kernel);
    if (!chosen || !nfa_space_ok(space) || count < 0 || count > UINT32_MAX || query_count < 0)
        return NFA_INVALID;
    if (fine < 1 || coarse < fine || coarse > UINT32_MAX || (count && !segments))
        return NFA_INVALID;
    if (lists && (lists->count < 0 || lists->count > UINT32_MAX || lists->covered < 0))
        return NFA_INVALID;
    const size_t width = (size_t)space->width;
    if ((size_t)coarse > (size_t)count && count) coarse = fine > count ? fine : count;
    const codes c = {chosen, space, segments, lists && lists->count ? lists : NULL,
                     (size_t)count, width, segment_bytes(width), allowed};
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
