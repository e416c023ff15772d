/* The best of many (score, slot) pairs, each packed into 64 bits so that they compare as numbers:
 * a higher score is greater, of equal scores the smaller slot. */
#ifndef NFA_SELECT_H
#define NFA_SELECT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Floats as unsigned numbers in the same order; NaN above all. */
static inline uint32_t ordered(float a) {
    uint32_t bits;
    if (a != a) return UINT32_MAX;
    a += 0.0f; /* -0 and 0 are equal */
    memcpy(&bits, &a, 4);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static inline float unordered(uint32_t key) {
    const uint32_t bits = key >> 31 ? key & 0x7fffffffu : ~key;
    float a;
    memcpy(&a, &bits, 4);
    return a;
}

static inline uint64_t pack(float score, uint32_t slot) {
    return (uint64_t)ordered(score) << 32 | (uint32_t)~slot;
}

static inline uint32_t slot_of(uint64_t packed) { return (uint32_t)~packed; }
static inline float score_of(uint64_t packed) { return unordered((uint32_t)(packed >> 32)); }

/* Put the `most` greatest of `count` numbers in front, in any order (Hoare's find). */
static inline void greatest_first(uint64_t *a, size_t count, size_t most) {
    if (most == 0 || most >= count) return;
    const ptrdiff_t last = (ptrdiff_t)most - 1;
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1;
    while (low < high) {
        const uint64_t x = a[low], y = a[low + (high - low) / 2], z = a[high];
        const uint64_t small = x < y ? x : y, large = x < y ? y : x;
        const uint64_t pivot = z < small ? small : z > large ? large : z;
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (a[i] > pivot) i++;
            while (a[j] < pivot) j--;
            if (i > j) break;
            const uint64_t swapped = a[i];
            a[i++] = a[j];
            a[j--] = swapped;
        }
        if (last <= j) high = j;
        else if (last >= i) low = i;
        else return;
    }
}

/* Heap sort, greatest first. */
static inline void sort_greatest_first(uint64_t *a, size_t count) {
    for (size_t start = count / 2, end = count; end > 1;) {
        if (start) {
            start--;
        } else {
            const uint64_t swapped = a[--end];
            a[end] = a[0];
            a[0] = swapped;
        }
        size_t root = start, child;
        while ((child = 2 * root + 1) < end) {
            if (child + 1 < end && a[child + 1] < a[child]) child++;
            if (a[root] <= a[child]) break;
            const uint64_t swapped = a[root];
            a[root] = a[child];
            a[child] = swapped;
            root = child;
        }
    }
}

#endif
