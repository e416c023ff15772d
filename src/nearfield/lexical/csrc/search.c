/* The best k texts: MaxScore over windows of slots.
 *
 * Lists are ordered by the most they can contribute. Those whose sum cannot lift a text into the
 * results are not walked but only asked about texts that the others name (H. Turtle, J. Flood,
 * "Query evaluation: strategies and optimizations", 1995); bounds are taken window by window from
 * the blocks (S. Ding, T. Suel, "Faster top-k document retrieval using block-max indexes", 2011).
 * Nothing is left out but what cannot be among the results, so they equal an exhaustive search.
 */
#include <stdlib.h>
#include <string.h>

#include "cursor.h"

enum { WINDOW = 4096, WORDS = WINDOW / 64, FEW = 96 };

typedef struct {
    float score;
    uint64_t slot;
} result;

typedef struct {
    result *heap; /* the worst result first */
    int64_t size, capacity;
} results;

typedef struct {
    const nfl_norms *norms;
    const uint8_t *allowed;
    uint64_t allowed_bytes;
    results *best;
    nfl_cursor *cursors; /* of one segment, by rising bound */
    int32_t *order;
    int64_t count;
    double *sums; /* sums[i]: the first i lists contribute no more together */
    double score[WINDOW]; /* zero between windows, as are the bits of `touched` */
    uint64_t touched[WORDS], mask[WORDS];
} search;

/* ---- results ---- */

static bool worse(result a, result b) {
    return a.score < b.score || (a.score == b.score && a.slot > b.slot);
}

static void sift_down(results *r, int64_t at) {
    for (;;) {
        int64_t worst = at, left = 2 * at + 1;
        if (left < r->size && worse(r->heap[left], r->heap[worst])) worst = left;
        if (left + 1 < r->size && worse(r->heap[left + 1], r->heap[worst])) worst = left + 1;
        if (worst == at) return;
        const result held = r->heap[at];
        r->heap[at] = r->heap[worst];
        r->heap[worst] = held;
        at = worst;
    }
}

static bool is_full(const results *r) { return r->size == r->capacity; }

/* Whether a text with no more than this sum stays out. Slots rise, so equal scores come too late. */
static inline bool hopeless(const results *r, double sum) {
    return is_full(r) && (float)sum <= r->heap[0].score;
}

static void offer(results *r, double sum, uint64_t slot) {
    if (hopeless(r, sum)) return;
    const result entry = {(float)sum, slot};
    if (is_full(r)) {
        r->heap[0] = entry;
        sift_down(r, 0);
        return;
    }
    int64_t at = r->size++;
    r->heap[at] = entry;
    while (at > 0 && worse(r->heap[at], r->heap[(at - 1) / 2])) {
        const int64_t parent = (at - 1) / 2;
        const result held = r->heap[parent];
        r->heap[parent] = r->heap[at];
        r->heap[at] = held;
        at = parent;
    }
}

static int by_rank(const void *a, const void *b) {
    const result *x = a, *y = b;
    return worse(*x, *y) - worse(*y, *x);
}

/* ---- one window ---- */

static uint64_t allowed_word(const search *s, uint64_t bit) {
    const uint64_t byte = bit / 8, shift = bit % 8;
    if (byte >= s->allowed_bytes) return 0;
    const uint64_t left = s->allowed_bytes - byte;
    uint64_t word = 0;
    memcpy(&word, s->allowed + byte, left < 8 ? left : 8); /* little-endian, as the files are */
    word >>= shift;
    if (shift && left > 8) word |= (uint64_t)s->allowed[byte + 8] << (64 - shift);
    return word;
}

/* Fill `mask` for `width` slots from `begin`; their number, which may be too low from FEW on. */
static int64_t set_mask(search *s, uint64_t begin, uint32_t width) {
    int64_t count = 0;
    for (uint32_t i = 0; i * 64 < width; i++) {
        uint64_t word = s->allowed ? allowed_word(s, begin + i * 64) : UINT64_MAX;
        if (width - i * 64 < 64) word &= (1ull << (width - i * 64)) - 1;
        s->mask[i] = word;
        if (count < FEW) count += __builtin_popcountll(word); /* slow where it is no instruction */
    }
    return count;
}

/* Ask lists `below` - 1 down to 0 about a text and offer it. */
static void complete(search *s, uint32_t slot, double sum, int64_t below, bool matched) {
    for (int64_t i = below - 1; i >= 0; i--) {
        if (hopeless(s->best, sum + s->sums[i + 1])) return;
        nfl_cursor *c = &s->cursors[s->order[i]];
        if (!nfl_cursor_skip(c, slot)) continue;
        if (hopeless(s->best, sum + s->sums[i] + nfl_here_bound(c, s->norms))) return;
        if (nfl_cursor_seek(c, slot) == slot) {
            sum += nfl_cursor_contribution(c, s->norms);
            matched = true;
        }
    }
    if (matched) offer(s->best, sum, s->cursors[0].segment->first_slot + slot);
}

/* Few texts are allowed: ask every list about each. */
static void ask_each(search *s, uint32_t begin, uint32_t width) {
    for (uint32_t i = 0; i * 64 < width; i++)
        for (uint64_t word = s->mask[i]; word; word &= word - 1)
            complete(s, begin + i * 64 + (uint32_t)__builtin_ctzll(word), 0, s->count, false);
}

/* Contributions of the postings from the cursor's to before `end` in its block; their number. */
static uint32_t contributions(const search *s, nfl_cursor *c, uint32_t end, double *values) {
    const uint32_t *slots = c->slots + c->at;
    uint32_t count = c->size - c->at;
    if (c->last >= end)
        for (count = 0; slots[count] < end;) count++;
    if (!c->has_frequencies) nfl_cursor_unpack_frequencies(c);
    const float *frequencies = c->frequencies + c->at;
    const float weight = c->weight;
    if (s->norms->scoring.formula == NFL_DOT) {
        for (uint32_t i = 0; i < count; i++) values[i] = nfl_rounded(weight * frequencies[i]);
        return count;
    }
    float norms[BLOCK];
    const uint32_t *lengths = c->segment->lengths;
    for (uint32_t i = 0; i < count; i++) norms[i] = nfl_norm(s->norms, lengths[slots[i]]);
    for (uint32_t i = 0; i < count; i++)
        values[i] = nfl_rounded(nfl_raw(weight, frequencies[i], norms[i]));
    return count;
}

/* Move on behind the block, or to `end` within it; false when the window is done. */
static bool next_block(nfl_cursor *c, uint32_t end) {
    if (c->last >= end - 1) return false;
    return nfl_cursor_skip(c, c->last + 1);
}

static void walk_one(search *s, uint32_t begin, uint32_t end, int64_t essential) {
    nfl_cursor *c = &s->cursors[s->order[essential]];
    double values[BLOCK];
    if (!nfl_cursor_skip(c, begin)) return;
    do {
        const double others = s->sums[essential];
        if (hopeless(s->best, others + nfl_block_bound(c, s->norms, c->block))) continue;
        const uint32_t first = nfl_cursor_seek(c, begin);
        if (first >= end) return;
        const uint32_t *slots = c->slots + c->at;
        const uint32_t count = contributions(s, c, end, values);
        for (uint32_t i = 0; i < count; i++) {
            if (hopeless(s->best, others + values[i])) continue;
            const uint32_t place = slots[i] - begin;
            if (s->mask[place / 64] >> place % 64 & 1)
                complete(s, slots[i], values[i], essential, true);
        }
    } while (next_block(c, end));
}

/* Sum up a list's contributions to the texts of the window. */
static void accumulate(search *s, nfl_cursor *c, uint32_t begin, uint32_t end) {
    double values[BLOCK];
    if (nfl_cursor_seek(c, begin) >= end) return;
    do {
        if (nfl_cursor_seek(c, begin) >= end) return;
        const uint32_t *slots = c->slots + c->at;
        const uint32_t count = contributions(s, c, end, values);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t place = slots[i] - begin;
            s->score[place] += values[i];
            s->touched[place / 64] |= 1ull << place % 64;
        }
    } while (next_block(c, end));
}

static void walk_several(search *s, uint32_t begin, uint32_t end, int64_t essential) {
    for (int64_t i = essential; i < s->count; i++)
        accumulate(s, &s->cursors[s->order[i]], begin, end);
    for (uint32_t i = 0; i * 64 < end - begin; i++) {
        for (uint64_t word = s->touched[i]; word; word &= word - 1) {
            const uint32_t place = i * 64 + (uint32_t)__builtin_ctzll(word);
            const double sum = s->score[place];
            s->score[place] = 0; /* for the next window */
            if (hopeless(s->best, sum + s->sums[essential])) continue;
            if (s->mask[i] >> place % 64 & 1) complete(s, begin + place, sum, essential, true);
        }
        s->touched[i] = 0;
    }
}

/* ---- one segment ---- */

/* Lists below the returned index cannot lift a text into the results by themselves: by what they
 * ever contribute (`end` is 0), or up to the end of the window. */
static int64_t partition(search *s, int64_t from, uint32_t end) {
    int64_t essential = from;
    bool open = false;
    for (int64_t i = from; i < s->count; i++) {
        nfl_cursor *c = &s->cursors[s->order[i]];
        const double bound = end ? nfl_cursor_bound(c, s->norms, end) : c->bound;
        s->sums[i + 1] = s->sums[i] + bound;
        if (!open && hopeless(s->best, s->sums[i + 1]))
            essential = i + 1;
        else
            open = true;
    }
    return essential;
}

static void search_segment(search *s) {
    const nfl_segment *segment = s->cursors[0].segment;
    const uint32_t slots = (uint32_t)segment->slots;
    uint32_t begin = 0;
    while (begin < slots) {
        const int64_t constant = partition(s, 0, 0);
        if (constant == s->count) return;
        uint32_t first = END;
        for (int64_t i = constant; i < s->count; i++) {
            const uint32_t lower = nfl_cursor_lower(&s->cursors[s->order[i]], begin);
            first = lower < first ? lower : first;
        }
        if (first >= slots) return;
        begin = first;
        const uint32_t width = slots - begin < WINDOW ? slots - begin : WINDOW, end = begin + width;
        const int64_t count = set_mask(s, segment->first_slot + begin, width);
        if (count) {
            for (int64_t i = constant; i < s->count; i++)
                nfl_cursor_lower(&s->cursors[s->order[i]], begin);
            const int64_t essential = partition(s, constant, end);
            if (essential == s->count) {
                /* Nothing in this window can be a result. */
            } else if (count < FEW) {
                ask_each(s, begin, width);
            } else if (essential == s->count - 1) {
                walk_one(s, begin, end, essential);
            } else {
                walk_several(s, begin, end, essential);
            }
        }
        begin = end;
    }
}

static void order_by_bound(search *s) {
    for (int32_t i = 0; i < s->count; i++) {
        int32_t at = i;
        for (; at > 0 && s->cursors[s->order[at - 1]].bound > s->cursors[i].bound; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = i;
    }
}

/* ---- frequencies of the results ---- */

static int by_slot(const void *a, const void *b) {
    const uint64_t x = **(const uint64_t *const *)a, y = **(const uint64_t *const *)b;
    return (x > y) - (x < y);
}

static bool fill_frequencies(search *s, const nfl_segment *segment, const nfl_list *lists,
                             int64_t count, const float *weights, int64_t clauses,
                             const uint64_t *const *by_place, const uint64_t *slots, int64_t found,
                             float *frequencies) {
    for (int64_t i = 0; i < count; i++) {
        nfl_cursor *c = &s->cursors[0];
        if (!nfl_cursor_open(c, segment, &lists[i], weights[lists[i].clause], s->norms)) return false;
        for (int64_t j = 0; j < found; j++) {
            const uint64_t slot = *by_place[j] - segment->first_slot;
            if (*by_place[j] < segment->first_slot) continue;
            if (slot >= segment->slots) break;
            if (nfl_cursor_seek(c, (uint32_t)slot) == slot)
                frequencies[(by_place[j] - slots) * clauses + lists[i].clause] =
                    nfl_cursor_frequency(c);
        }
    }
    return true;
}

/* ---- the whole ---- */

static int64_t lists_of(const nfl_list *lists, int64_t count, int64_t from) {
    int64_t end = from;
    while (end < count && lists[end].segment == lists[from].segment) end++;
    return end - from;
}

static bool fits(const nfl_list *lists, int64_t count, int64_t segments, int64_t clauses) {
    for (int64_t i = 0; i < count; i++)
        if (lists[i].segment >= segments || lists[i].clause >= clauses) return false;
    return true;
}

static bool run(search *s, const nfl_segment *segments, const nfl_list *lists, int64_t count,
                const float *weights) {
    for (int64_t from = 0; from < count; from += s->count) {
        s->count = lists_of(lists, count, from);
        for (int64_t i = 0; i < s->count; i++) {
            const nfl_list *list = &lists[from + i];
            if (!nfl_cursor_open(&s->cursors[i], &segments[list->segment], list,
                                 weights[list->clause], s->norms))
                return false;
        }
        s->sums[0] = 0;
        order_by_bound(s);
        search_segment(s);
        for (int64_t i = 0; i < s->count; i++)
            if (s->cursors[i].damaged) return false;
    }
    return true;
}

int32_t nfl_search(const nfl_segment *segments, int64_t segment_count, const nfl_list *lists,
                   int64_t list_count, const float *weights, int64_t clause_count,
                   const nfl_scoring *scoring, const uint8_t *allowed, int64_t allowed_bytes,
                   int64_t k, int64_t *slots, float *scores, float *frequencies, int64_t *found) {
    *found = 0;
    if (k <= 0 || list_count <= 0) return NFL_OK;
    if (!fits(lists, list_count, segment_count, clause_count)) return NFL_DAMAGED;
    int64_t most = 0;
    for (int64_t i = 0; i < list_count; i += lists_of(lists, list_count, i)) {
        const int64_t here = lists_of(lists, list_count, i);
        most = here > most ? here : most;
    }
    nfl_norms norms;
    nfl_norms_set(&norms, scoring);
    results best = {.heap = malloc((size_t)k * sizeof *best.heap), .capacity = k};
    search *s = malloc(sizeof *s);
    nfl_cursor *cursors = malloc((size_t)most * sizeof *cursors);
    int32_t *order = malloc((size_t)most * sizeof *order);
    double *sums = malloc((size_t)(most + 1) * sizeof *sums);
    const uint64_t **by_place = malloc((size_t)k * sizeof *by_place);
    int32_t status = NFL_OUT_OF_MEMORY;
    if (best.heap && s && cursors && order && sums && by_place) {
        s->norms = &norms;
        s->allowed = allowed;
        s->allowed_bytes = (uint64_t)allowed_bytes;
        s->best = &best;
        s->cursors = cursors;
        s->order = order;
        s->sums = sums;
        memset(s->score, 0, sizeof s->score);
        memset(s->touched, 0, sizeof s->touched);
        status = run(s, segments, lists, list_count, weights) ? NFL_OK : NFL_DAMAGED;
    }
    if (status == NFL_OK) {
        qsort(best.heap, (size_t)best.size, sizeof *best.heap, by_rank);
        memset(frequencies, 0, (size_t)(best.size * clause_count) * sizeof *frequencies);
        for (int64_t i = 0; i < best.size; i++) {
            slots[i] = (int64_t)best.heap[i].slot;
            scores[i] = best.heap[i].score;
            by_place[i] = (const uint64_t *)&slots[i];
        }
        qsort(by_place, (size_t)best.size, sizeof *by_place, by_slot);
        for (int64_t i = 0; i < list_count; i += lists_of(lists, list_count, i))
            fill_frequencies(s, &segments[lists[i].segment], &lists[i],
                             lists_of(lists, list_count, i), weights, clause_count, by_place,
                             (const uint64_t *)slots, best.size, frequencies);
        *found = best.size;
    }
    free(by_place);
    free(sums);
    free(order);
    free(cursors);
    free(s);
    free(best.heap);
    return status;
}
