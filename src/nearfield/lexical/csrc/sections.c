#include "sections.h"

#include "packing.h"

enum { BLOCK_NUMBERS = PACKED_BLOCK, LEAST_LENGTH = 1023 };

nfl_sections *nfl_sections_new(void) {
    nfl_sections *s = calloc(1, sizeof *s);
    if (s == NULL) return NULL;
    if (!nfl_numbers_add(&s->key_ends, 0) || !nfl_numbers_add(&s->surface_ends, 0)) {
        nfl_sections_free(s);
        return NULL;
    }
    return s;
}

void nfl_sections_free(nfl_sections *s) {
    if (s == NULL) return;
    nfl_bytes *bytes[] = {&s->keys, &s->tails, &s->positions, &s->surfaces};
    nfl_numbers *numbers[] = {&s->key_ends, &s->terms,        &s->blocks,
                              &s->words,    &s->surface_ends, &s->surface_terms};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) free(bytes[i]->data);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) free(numbers[i]->data);
    free(s);
}

const void *nfl_sections_data(const nfl_sections *s, int32_t which, int64_t *items) {
    const nfl_bytes *bytes = NULL;
    const nfl_numbers *numbers = NULL;
    switch (which) {
        case NFL_KEYS: bytes = &s->keys; break;
        case NFL_KEY_ENDS: numbers = &s->key_ends; break;
        case NFL_TERMS: numbers = &s->terms; break;
        case NFL_BLOCKS: numbers = &s->blocks; break;
        case NFL_WORDS: numbers = &s->words; break;
        case NFL_TAILS: bytes = &s->tails; break;
        case NFL_POSITIONS: bytes = &s->positions; break;
        case NFL_SURFACES: bytes = &s->surfaces; break;
        case NFL_SURFACE_ENDS: numbers = &s->surface_ends; break;
        case NFL_SURFACE_TERMS: numbers = &s->surface_terms; break;
        default: *items = 0; return NULL;
    }
    *items = (int64_t)(bytes ? bytes->used : numbers->used);
    return bytes ? (const void *)bytes->data : numbers->data;
}

/* Least lengths of texts with frequency 1, 2 and more, 10 bits each. */
static uint32_t least_lengths(const uint32_t *slots, const uint32_t *frequencies,
                              const uint32_t *lengths) {
    uint32_t least[3] = {LEAST_LENGTH, LEAST_LENGTH, LEAST_LENGTH};
    for (int i = 0; i < BLOCK_NUMBERS; i++) {
        const uint32_t length = lengths[slots[i]];
        uint32_t *own = &least[frequencies[i] <= 2 ? frequencies[i] - 1 : 2];
        *own = length < *own ? length : *own;
    }
    return least[0] | least[1] << 10 | least[2] << 20;
}

static bool add_block(nfl_sections *s, const uint32_t *slots, const uint32_t *frequencies,
                      uint32_t before, const uint32_t *lengths) {
    uint32_t gaps[BLOCK_NUMBERS], extra[BLOCK_NUMBERS], largest = 0;
    for (int i = 0; i < BLOCK_NUMBERS; i++) {
        gaps[i] = slots[i] - (i < PACKED_LANES ? before : slots[i - PACKED_LANES]);
        extra[i] = frequencies[i] - 1;
        largest = frequencies[i] > largest ? frequencies[i] : largest;
    }
    const uint32_t bits = nfl_width(gaps), more = nfl_width(extra);
    const size_t words = (size_t)(bits + more) * PACKED_LANES;
    if (!nfl_numbers_reserve(&s->blocks, 5) || !nfl_numbers_reserve(&s->words, words)) return false;
    uint32_t *row = s->blocks.data + s->blocks.used, *to = s->words.data + s->words.used;
    row[0] = slots[BLOCK_NUMBERS - 1];
    row[1] = largest;
    row[2] = least_lengths(slots, frequencies, lengths);
    row[3] = bits | more << 8;
    row[4] = (uint32_t)s->words.used;
    nfl_pack(gaps, bits, to);
    nfl_pack(extra, more, to + (size_t)bits * PACKED_LANES);
    s->blocks.used += 5;
    s->words.used += words;
    return true;
}

static bool add_tail(nfl_sections *s, const nfl_postings *p, size_t first) {
    if (!nfl_bytes_reserve(&s->tails, 10 * (p->count - first))) return false;
    uint8_t *to = s->tails.data + s->tails.used;
    for (size_t i = first; i < p->count; i++) {
        const uint32_t gap = p->slots[i] - (i ? p->slots[i - 1] : 0);
        const uint32_t frequency = p->frequencies[i];
        to += nfl_variable_write(to, gap << 1 | (frequency > 1));
        if (frequency > 1) to += nfl_variable_write(to, frequency);
    }
    s->tails.used = (size_t)(to - s->tails.data);
    return true;
}

bool nfl_sections_term(nfl_sections *s, const uint8_t *key, size_t length,
                       const nfl_postings *p, const uint32_t *lengths) {
    if (!nfl_bytes_add(&s->keys, key, length) || !nfl_numbers_reserve(&s->terms, 4)) return false;
    if (!nfl_numbers_add(&s->key_ends, (uint32_t)s->keys.used)) return false;
    uint32_t *row = s->terms.data + s->terms.used;
    row[0] = (uint32_t)p->count;
    row[1] = (uint32_t)(s->blocks.used / 5);
    row[2] = (uint32_t)s->tails.used;
    row[3] = (uint32_t)s->marked;
    s->terms.used += 4;
    s->marked = s->positions.used;
    size_t at = 0;
    for (; at + BLOCK_NUMBERS <= p->count; at += BLOCK_NUMBERS) {
        const uint32_t before = at ? p->slots[at - 1] : 0;
        if (!add_block(s, p->slots + at, p->frequencies + at, before, lengths)) return false;
    }
    return at == p->count || add_tail(s, p, at);
}

bool nfl_sections_surface(nfl_sections *s, const uint8_t *spelt, size_t length, uint32_t term) {
    return nfl_bytes_add(&s->surfaces, spelt, length) &&
           nfl_numbers_add(&s->surface_ends, (uint32_t)s->surfaces.used) &&
           nfl_numbers_add(&s->surface_terms, term);
}

bool nfl_sections_finish(nfl_sections *s) {
    if (!nfl_numbers_reserve(&s->terms, 4)) return false;
    uint32_t *row = s->terms.data + s->terms.used;
    row[0] = 0;
    row[1] = (uint32_t)(s->blocks.used / 5);
    row[2] = (uint32_t)s->tails.used;
    row[3] = (uint32_t)s->positions.used;
    s->terms.used += 4;
    return true;
}
