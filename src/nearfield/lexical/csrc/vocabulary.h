/* Strings numbered in the order in which they first came, found again by a hash table. */
#ifndef NFL_VOCABULARY_H
#define NFL_VOCABULARY_H

#include "growing.h"
#include "nearfield_lexical.h"

struct nfl_vocabulary {
    nfl_bytes bytes;  /* the strings, a line feed behind each */
    nfl_numbers ends; /* where each begins; one more than strings */
    nfl_numbers hashes;
    uint32_t *places; /* number + 1 by hash, 0 where free */
    size_t mask;
};

static inline uint32_t nfl_vocabulary_count(const nfl_vocabulary *v) {
    return (uint32_t)v->hashes.used;
}

static inline const uint8_t *nfl_vocabulary_string(const nfl_vocabulary *v, uint32_t number,
                                                   size_t *length) {
    const uint32_t begin = v->ends.data[number];
    *length = v->ends.data[number + 1] - begin - 1;
    return v->bytes.data + begin;
}

/* The number of a string, which is added if it is new; UINT32_MAX where there is no memory. */
uint32_t nfl_vocabulary_place(nfl_vocabulary *v, const uint8_t *string, size_t length);

#endif
