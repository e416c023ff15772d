/* Where a part stands in a text, written once and compiled for each processor. */
#ifndef NFL_PLACES_H
#define NFL_PLACES_H

#include <stdint.h>
#include <string.h>

typedef int64_t nfl_places_kernel(const uint8_t *text, int64_t size, const uint8_t *part,
                                  int64_t length, int64_t *places, int64_t limit);

nfl_places_kernel nfl_places_plain, nfl_places_avx2, nfl_places_avx512;

/* 1 <= length <= size */
static inline int64_t find_places(const uint8_t *text, int64_t size, const uint8_t *part,
                                  int64_t length, int64_t *places, int64_t limit) {
    enum { STRIDE = 128 };
    const int64_t starts = size - length + 1;
    const uint8_t first = part[0], middle = part[length / 2], last = part[length - 1];
    int64_t found = 0, at = 0;
    for (; at + STRIDE <= starts && found < limit; at += STRIDE) {
        /* The compiler makes vector instructions of this loop; few strides hold a candidate. */
        const uint8_t *head = text + at, *half = head + length / 2, *end = head + length - 1;
        uint8_t any = 0;
        for (int i = 0; i < STRIDE; i++)
            any |= (uint8_t)((head[i] == first) & (half[i] == middle) & (end[i] == last));
        if (!any) continue;
        for (int i = 0; i < STRIDE && found < limit; i++)
            if (head[i] == first && end[i] == last && memcmp(head + i, part, (size_t)length) == 0)
                places[found++] = at + i;
    }
    for (; at < starts && found < limit; at++)
        if (memcmp(text + at, part, (size_t)length) == 0) places[found++] = at;
    return found;
}

#define DEFINE_PLACES(name)                                                                       \
    int64_t name(const uint8_t *text, int64_t size, const uint8_t *part, int64_t length,          \
                 int64_t *places, int64_t limit) {                                                \
        return find_places(text, size, part, length, places, limit);                              \
    }

#endif
