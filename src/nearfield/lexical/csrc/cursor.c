#include "cursor.h"

#include <string.h>

enum { LANES = 4, ROWS = BLOCK / LANES, FIELDS = 5 };

enum { LAST = 0, LARGEST = 1, SHORTEST = 2, BITS = 3, WORD = 4 };

static const uint32_t *block_row(const nfl_cursor *c, int64_t block) {
    return c->segment->blocks + (c->list->first_block + (uint64_t)block) * FIELDS;
}

/* ---- lengths and contributions ---- */

float nfl_norm_of(const nfl_scoring *s, uint32_t length) {
    return (float)(s->k1 * (1.0 - s->b + s->b * ((double)length / s->average)));
}

void nfl_norms_set(nfl_norms *norms, const nfl_scoring *scoring) {
    norms->scoring = *scoring;
    if (scoring->formula == NFL_BM25)
        for (uint32_t i = 0; i < NORMS; i++) norms->table[i] = nfl_norm_of(scoring, i);
}

/* Roundings never reach a millionth of a contribution, nor 2^-30. */
static double safe(float contribution) { return (double)contribution * (1.0 + 1e-6) + 1e-9; }

/* ---- blocks ---- */

static bool is_packed(const nfl_cursor *c) { return c->list->slots == NULL; }

static bool is_tail(const nfl_cursor *c, int64_t block) {
    return block >= (int64_t)(c->list->count / BLOCK);
}

static uint32_t block_last(const nfl_cursor *c, int64_t block) {
    if (!is_packed(c)) {
        uint64_t end = ((uint64_t)block + 1) * BLOCK;
        return c->list->slots[(end < c->list->count ? end : c->list->count) - 1];
    }
    return is_tail(c, block) ? c->tail_slots[c->tail_size - 1] : block_row(c, block)[LAST];
}

/* What bounds contributions: the largest frequency, and the least length of texts with frequency
 * 1, 2 and more, as blocks hold them. */
typedef struct {
    float largest;
    uint32_t least[3];
} limits;

static void widen(limits *l, const uint32_t *row) {
    const float largest = (float)row[LARGEST];
    l->largest = largest > l->largest ? largest : l->largest;
    for (int i = 0; i < 3; i++) {
        const uint32_t least = row[SHORTEST] >> 10 * i & 1023;
        l->least[i] = least < l->least[i] ? least : l->least[i];
    }
}

static void widen_by(limits *l, float frequency, uint32_t length) {
    const int i = frequency <= 1 ? 0 : frequency <= 2 ? 1 : 2;
    l->largest = frequency > l->largest ? frequency : l->largest;
    l->least[i] = length < l->least[i] ? length : l->least[i];
}

static double bound_of(const nfl_cursor *c, const nfl_norms *norms, const limits *l) {
    if (norms->scoring.formula == NFL_DOT) return safe(c->weight * l->largest);
    float bound = 0;
    for (int i = 0; i < 3; i++) {
        if (l->largest <= (float)i) break;
        const float most = i < 2 && l->largest > (float)(i + 1) ? (float)(i + 1) : l->largest;
        const float one = nfl_raw(c->weight, most, nfl_norm(norms, l->least[i]));
        bound = one > bound ? one : bound;
    }
    return safe(bound);
}

double nfl_block_bound(const nfl_cursor *c, const nfl_norms *norms, int64_t block) {
    if (!is_packed(c) || is_tail(c, block)) return c->bound;
    limits l = {0, {1023, 1023, 1023}};
    widen(&l, block_row(c, block));
    return bound_of(c, norms, &l);
}

/* Four lanes side by side: the compiler makes one vector instruction of each inner loop. */
static void unpack(const uint32_t *restrict words, uint32_t bits, uint32_t *restrict values) {
    if (bits == 0) {
        memset(values, 0, BLOCK * sizeof *values);
        return;
    }
    const uint32_t mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1;
    for (uint32_t row = 0, bit = 0; row < ROWS; row++, bit += bits) {
        const uint32_t *word = words + bit / 32 * LANES;
        const uint32_t shift = bit % 32;
        uint32_t *out = values + row * LANES;
        if (shift + bits <= 32) {
            for (int lane = 0; lane < LANES; lane++) out[lane] = word[lane] >> shift & mask;
        } else {
            for (int lane = 0; lane < LANES; lane++)
                out[lane] = (word[lane] >> shift | word[LANES + lane] << (32 - shift)) & mask;
        }
    }
}

/* The words of a block's slots, and how many bits; NULL where they reach beyond the section. */
static const uint32_t *block_words(const nfl_cursor *c, const uint32_t *row, uint32_t *slot_bits,
                                   uint32_t *frequency_bits) {
    *slot_bits = row[BITS] & 255;
    *frequency_bits = row[BITS] >> 8;
    if (*slot_bits > 32 || *frequency_bits > 32) return NULL;
    uint64_t end = row[WORD] + (uint64_t)(*slot_bits + *frequency_bits) * LANES;
    return end <= c->segment->word_count ? c->segment->words + row[WORD] : NULL;
}

static bool unpack_slots(nfl_cursor *c) {
    const uint32_t *row = block_row(c, c->block);
    uint32_t bits, frequency_bits;
    const uint32_t *words = block_words(c, row, &bits, &frequency_bits);
    if (words == NULL) return false;
    uint32_t *slots = c->own_slots;
    unpack(words, bits, slots);
    const uint32_t before = c->block ? block_row(c, c->block - 1)[LAST] : 0;
    for (int lane = 0; lane < LANES; lane++) slots[lane] += before;
    for (int i = LANES; i < BLOCK; i += LANES)
        for (int lane = 0; lane < LANES; lane++) slots[i + lane] += slots[i - LANES + lane];
    uint32_t strays = 0; /* a window's sums are addressed by slots: none may be before it */
    for (int i = 1; i < BLOCK; i++) strays += slots[i] <= slots[i - 1];
    c->slots = slots;
    c->frequencies = c->own_frequencies;
    c->size = BLOCK;
    return strays == 0 && slots[BLOCK - 1] == row[LAST] && row[LAST] < c->segment->slots;
}

bool nfl_cursor_unpack(nfl_cursor *c) {
    c->decoded = c->block;
    c->at = 0;
    c->has_frequencies = false;
    if (!is_packed(c)) {
        uint64_t begin = (uint64_t)c->block * BLOCK;
        uint64_t left = c->list->count - begin;
        c->slots = c->list->slots + begin;
        c->frequencies = c->list->frequencies + begin;
        c->size = (uint32_t)(left < BLOCK ? left : BLOCK);
    } else if (is_tail(c, c->block)) {
        c->slots = c->tail_slots;
        c->frequencies = c->tail_frequencies;
        c->size = c->tail_size;
    } else if (!unpack_slots(c)) {
        c->damaged = true;
        c->block = c->block_count; /* nothing of it is used */
        return false;
    }
    return true;
}

void nfl_cursor_unpack_frequencies(nfl_cursor *c) {
    c->has_frequencies = true;
    if (!is_packed(c) || is_tail(c, c->block)) return;
    uint32_t bits, frequency_bits;
    const uint32_t *words = block_words(c, block_row(c, c->block), &bits, &frequency_bits);
    if (words == NULL || frequency_bits == 0) {
        for (int i = 0; i < BLOCK; i++) c->own_frequencies[i] = 1.0f;
        return;
    }
    uint32_t values[BLOCK];
    unpack(words + bits * LANES, frequency_bits, values);
    for (int i = 0; i < BLOCK; i++) c->own_frequencies[i] = (float)values[i] + 1.0f;
}

static bool read_number(const uint8_t **at, const uint8_t *end, uint32_t *value) {
    uint32_t number = 0;
    for (uint32_t shift = 0; shift < 35 && *at < end; shift += 7) {
        const uint8_t byte = *(*at)++;
        number |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *value = number;
            return true;
        }
    }
    return false;
}

static bool decode_tail(nfl_cursor *c) {
    const nfl_segment *s = c->segment;
    c->tail_size = c->list->count % BLOCK;
    if (c->tail_size == 0) return true;
    if (c->list->tail_end > s->tail_bytes || c->list->tail > c->list->tail_end) return false;
    const uint8_t *at = s->tails + c->list->tail, *end = s->tails + c->list->tail_end;
    const int64_t full = c->list->count / BLOCK;
    uint64_t slot = full ? block_row(c, full - 1)[LAST] : 0;
    for (uint32_t i = 0; i < c->tail_size; i++) {
        uint32_t gap, frequency = 1;
        if (!read_number(&at, end, &gap)) return false;
        if ((gap & 1) && !read_number(&at, end, &frequency)) return false;
        slot += gap >> 1;
        if (slot >= s->slots) return false;
        c->tail_slots[i] = (uint32_t)slot;
        c->tail_frequencies[i] = (float)frequency;
    }
    return true;
}

/* ---- walking ---- */

static void set_bound(nfl_cursor *c, const nfl_norms *norms) {
    limits l = {0, {1023, 1023, 1023}};
    const uint32_t *slots = c->tail_slots;
    const float *frequencies = c->tail_frequencies;
    uint32_t count = c->tail_size;
    if (!is_packed(c)) {
        slots = c->list->slots;
        frequencies = c->list->frequencies;
        count = c->list->count;
    } else {
        for (int64_t i = 0; i < (int64_t)(c->list->count / BLOCK); i++) widen(&l, block_row(c, i));
    }
    for (uint32_t i = 0; i < count; i++)
        widen_by(&l, frequencies[i], c->segment->lengths[slots[i]]);
    c->bound = bound_of(c, norms, &l);
}

bool nfl_cursor_open(nfl_cursor *c, const nfl_segment *segment, const nfl_list *list, float weight,
                     const nfl_norms *norms) {
    c->segment = segment;
    c->list = list;
    c->weight = weight;
    c->block = 0;
    c->decoded = c->bounded = -1;
    c->damaged = false;
    c->at = c->size = c->tail_size = c->last = 0;
    c->block_count = ((int64_t)list->count + BLOCK - 1) / BLOCK;
    if (is_packed(c)) {
        if ((uint64_t)list->first_block + list->count / BLOCK > segment->block_count) return false;
        if (!decode_tail(c)) return false;
    } else if (list->count && list->slots[list->count - 1] >= segment->slots) {
        return false;
    }
    if (c->block_count) c->last = block_last(c, 0);
    set_bound(c, norms);
    return true;
}

bool nfl_cursor_skip_far(nfl_cursor *c, uint32_t slot) {
    while (slot > c->last && c->block < c->block_count) {
        c->block++;
        if (c->block < c->block_count) c->last = block_last(c, c->block);
    }
    return c->block < c->block_count;
}

uint32_t nfl_cursor_lower(nfl_cursor *c, uint32_t slot) {
    if (!nfl_cursor_skip(c, slot)) return END;
    if (c->decoded == c->block) return nfl_cursor_seek(c, slot);
    const uint32_t lower = c->block > 0 ? block_last(c, c->block - 1) + 1 : 0;
    return lower > slot ? lower : slot;
}

double nfl_cursor_bound(const nfl_cursor *c, const nfl_norms *norms, uint32_t end) {
    double bound = 0;
    for (int64_t i = c->block; i < c->block_count; i++) {
        if (i > 0 && block_last(c, i - 1) + 1 >= end) break;
        const double one = nfl_block_bound(c, norms, i);
        bound = one > bound ? one : bound;
    }
    return bound;
}
