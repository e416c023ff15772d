/* Arrays that grow while they are filled. */
#ifndef NFL_GROWING_H
#define NFL_GROWING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t used, room;
} nfl_bytes;

typedef struct {
    uint32_t *data;
    size_t used, room;
} nfl_numbers;

/* The new room for at least `least` items, half as much again as before. */
static inline size_t nfl_more(size_t room, size_t least) {
    const size_t grown = room + room / 2 + 64;
    return grown > least ? grown : least;
}

/* Have room for `more` bytes; false where there is no memory. */
static inline bool nfl_bytes_reserve(nfl_bytes *b, size_t more) {
    if (b->room - b->used >= more) return true;
    const size_t room = nfl_more(b->room, b->used + more);
    uint8_t *data = realloc(b->data, room);
    if (data == NULL) return false;
    b->data = data;
    b->room = room;
    return true;
}

static inline bool nfl_bytes_add(nfl_bytes *b, const uint8_t *from, size_t size) {
    if (!nfl_bytes_reserve(b, size)) return false;
    if (size) memcpy(b->data + b->used, from, size);
    b->used += size;
    return true;
}

static inline bool nfl_numbers_reserve(nfl_numbers *n, size_t more) {
    if (n->room - n->used >= more) return true;
    const size_t room = nfl_more(n->room, n->used + more);
    uint32_t *data = realloc(n->data, room * sizeof *data);
    if (data == NULL) return false;
    n->data = data;
    n->room = room;
    return true;
}

static inline bool nfl_numbers_add(nfl_numbers *n, uint32_t number) {
    if (!nfl_numbers_reserve(n, 1)) return false;
    n->data[n->used++] = number;
    return true;
}

/* Write a number in bytes of 7 bits, the lowest first; there must be room for 5 bytes. */
static inline size_t nfl_variable_write(uint8_t *to, uint32_t value) {
    size_t size = 0;
    while (value >= 128) {
        to[size++] = (uint8_t)(value | 128);
        value >>= 7;
    }
    to[size++] = (uint8_t)value;
    return size;
}

#endif
