/* A cursor walks over the postings of one list, a block of 128 at a time. */
#ifndef NFL_CURSOR_H
#define NFL_CURSOR_H

#include <stdbool.h>

#include "nearfield_lexical.h"

enum { BLOCK = 128, NORMS = 256 };

#define END UINT32_MAX

/* What a formula needs of a text's length: BM25's k1 * (1 - b + b * length / average). */
typedef struct {
    nfl_scoring scoring;
    float table[NORMS];
} nfl_norms;

typedef struct {
    const nfl_segment *segment;
    const nfl_list *list;
    float weight;
    double bound; /* no posting contributes more */
    int64_t block_count, block;
    int64_t bounded; /* block that `here_bound` is of, or -1 */
    double here_bound;
    int64_t decoded;      /* block whose slots are in `slots`, or -1 */
    bool has_frequencies; /* and whether its frequencies are in `frequencies` */
    bool damaged;
    uint32_t last; /* last slot of the block */
    uint32_t size, at;
    const uint32_t *slots; /* into own, tail_slots or the loose list */
    const float *frequencies;
    uint32_t own_slots[BLOCK];
    float own_frequencies[BLOCK];
    uint32_t tail_size;
    uint32_t tail_slots[BLOCK];
    float tail_frequencies[BLOCK];
} nfl_cursor;

void nfl_norms_set(nfl_norms *norms, const nfl_scoring *scoring);
float nfl_norm_of(const nfl_scoring *scoring, uint32_t length);

static inline float nfl_norm(const nfl_norms *norms, uint32_t length) {
    return length < NORMS ? norms->table[length] : nfl_norm_of(&norms->scoring, length);
}

static inline float nfl_raw(float weight, float frequency, float norm) {
    return weight * (frequency / (frequency + norm));
}

/* Round to a multiple of 2^-30: sums of such numbers below 2^21 are exact in doubles, in whatever
 * order. Adding 1.5 * 2^22 leaves no bit below 2^-30, rounded to nearest. */
static inline double nfl_rounded(float contribution) {
    const double grid = 6291456.0;
    return ((double)contribution + grid) - grid;
}

/* Start before the first posting; false where the list does not fit the segment. */
bool nfl_cursor_open(nfl_cursor *cursor, const nfl_segment *segment, const nfl_list *list,
                     float weight, const nfl_norms *norms);

/* A slot that the next posting at or after `slot` is not before; END if there is none. */
uint32_t nfl_cursor_lower(nfl_cursor *cursor, uint32_t slot);

bool nfl_cursor_skip_far(nfl_cursor *cursor, uint32_t slot);

/* Move to the block with the first posting at or after `slot`; false if there is none. */
static inline bool nfl_cursor_skip(nfl_cursor *c, uint32_t slot) {
    return slot > c->last ? nfl_cursor_skip_far(c, slot) : c->block < c->block_count;
}

/* Unpack the slots of the block the cursor is in; false where it is damaged. */
bool nfl_cursor_unpack(nfl_cursor *cursor);

void nfl_cursor_unpack_frequencies(nfl_cursor *cursor);

/* No posting of this block contributes more. */
double nfl_block_bound(const nfl_cursor *cursor, const nfl_norms *norms, int64_t block);

/* The same for the block the cursor is in, remembered. */
static inline double nfl_here_bound(nfl_cursor *c, const nfl_norms *norms) {
    if (c->bounded != c->block) {
        c->here_bound = nfl_block_bound(c, norms, c->block);
        c->bounded = c->block;
    }
    return c->here_bound;
}

/* No posting from the cursor's block to before `end` contributes more. */
double nfl_cursor_bound(const nfl_cursor *cursor, const nfl_norms *norms, uint32_t end);

/* Move to the first posting at or after `slot` and return its slot, or END. */
static inline uint32_t nfl_cursor_seek(nfl_cursor *c, uint32_t slot) {
    if (slot > c->last || c->decoded != c->block) {
        if (!nfl_cursor_skip(c, slot)) return END;
        if (c->decoded != c->block && !nfl_cursor_unpack(c)) return END;
    }
    uint32_t at = c->at;
    while (c->slots[at] < slot) at++; /* the block's last slot is not before it */
    c->at = at;
    return c->slots[at];
}

/* Frequency of the posting the cursor stands at. */
static inline float nfl_cursor_frequency(nfl_cursor *c) {
    if (!c->has_frequencies) nfl_cursor_unpack_frequencies(c);
    return c->frequencies[c->at];
}

/* What the posting the cursor stands at adds to a score. */
static inline double nfl_cursor_contribution(nfl_cursor *c, const nfl_norms *norms) {
    const float frequency = nfl_cursor_frequency(c);
    if (norms->scoring.formula == NFL_DOT) return nfl_rounded(c->weight * frequency);
    const float norm = nfl_norm(norms, c->segment->lengths[c->slots[c->at]]);
    return nfl_rounded(nfl_raw(c->weight, frequency, norm));
}

#endif
