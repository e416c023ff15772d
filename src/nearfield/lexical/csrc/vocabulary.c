#include "vocabulary.h"

enum { FIRST_ROOM = 1 << 12 };

/* Eight bytes at a time, each mixed by a multiplication (the constants are odd and arbitrary). */
static uint32_t hash_of(const uint8_t *string, size_t length) {
    uint64_t hash = length * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word;
    for (; length > 8; string += 8, length -= 8) {
        memcpy(&word, string, 8);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, string, length);
    hash = (hash ^ word) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(hash >> 32);
}

nfl_vocabulary *nfl_vocabulary_new(void) {
    nfl_vocabulary *v = calloc(1, sizeof *v);
    if (v == NULL) return NULL;
    v->places = calloc(FIRST_ROOM, sizeof *v->places);
    v->mask = FIRST_ROOM - 1;
    if (v->places == NULL || !nfl_numbers_add(&v->ends, 0)) {
        nfl_vocabulary_free(v);
        return NULL;
    }
    return v;
}

void nfl_vocabulary_free(nfl_vocabulary *v) {
    if (v == NULL) return;
    free(v->bytes.data);
    free(v->ends.data);
    free(v->hashes.data);
    free(v->places);
    free(v);
}

int64_t nfl_vocabulary_size(const nfl_vocabulary *v) { return nfl_vocabulary_count(v); }

const uint8_t *nfl_vocabulary_lines(const nfl_vocabulary *v, int64_t first, int64_t *size) {
    const uint32_t begin = v->ends.data[first];
    *size = (int64_t)v->bytes.used - begin;
    return v->bytes.data + begin;
}

static bool spread(nfl_vocabulary *v) {
    const size_t mask = 2 * v->mask + 1;
    uint32_t *places = calloc(mask + 1, sizeof *places);
    if (places == NULL) return false;
    for (uint32_t number = 0; number < v->hashes.used; number++) {
        size_t place = v->hashes.data[number] & mask;
        while (places[place]) place = (place + 1) & mask;
        places[place] = number + 1;
    }
    free(v->places);
    v->places = places;
    v->mask = mask;
    return true;
}

static uint32_t add(nfl_vocabulary *v, const uint8_t *string, size_t length, uint32_t hash,
                    size_t place) {
    const size_t number = v->hashes.used;
    if (number >= UINT32_MAX - 1 || v->bytes.used + length + 1 > UINT32_MAX) return UINT32_MAX;
    const bool there = nfl_bytes_reserve(&v->bytes, length + 1) &&
                       nfl_numbers_reserve(&v->ends, 1) && nfl_numbers_reserve(&v->hashes, 1);
    if (!there) return UINT32_MAX;
    nfl_bytes_add(&v->bytes, string, length);
    nfl_bytes_add(&v->bytes, (const uint8_t *)"\n", 1);
    nfl_numbers_add(&v->ends, (uint32_t)v->bytes.used);
    nfl_numbers_add(&v->hashes, hash);
    v->places[place] = (uint32_t)number + 1;
    /* Where it cannot grow it goes on, slower, as long as there is a free place. */
    if (2 * v->hashes.used > v->mask && !spread(v) && v->hashes.used >= v->mask) return UINT32_MAX;
    return (uint32_t)number;
}

uint32_t nfl_vocabulary_place(nfl_vocabulary *v, const uint8_t *string, size_t length) {
    const uint32_t hash = hash_of(string, length);
    size_t place = hash & v->mask;
    for (uint32_t found; (found = v->places[place]) != 0; place = (place + 1) & v->mask) {
        if (v->hashes.data[found - 1] != hash) continue;
        size_t size;
        const uint8_t *own = nfl_vocabulary_string(v, found - 1, &size);
        if (size == length && memcmp(own, string, length) == 0) return found - 1;
    }
    return add(v, string, length, hash, place);
}

int32_t nfl_vocabulary_number(nfl_vocabulary *v, const uint8_t *lines, int64_t size, int64_t count,
                              uint32_t *numbers) {
    const uint8_t *at = lines, *end = lines + size;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (stop == NULL) return NFL_DAMAGED;
        numbers[i] = nfl_vocabulary_place(v, at, (size_t)(stop - at));
        if (numbers[i] == UINT32_MAX) return NFL_OUT_OF_MEMORY;
        at = stop + 1;
    }
    return NFL_OK;
}
