/* The smaller functions of the interface. */
#include <string.h>

#include "cursor.h"

int32_t nfl_abi_version(void) { return NFL_ABI_VERSION; }

int32_t nfl_read(const nfl_segment *segment, const nfl_list *list, uint32_t *slots,
                 float *frequencies) {
    nfl_norms norms;
    const nfl_scoring scoring = {.formula = NFL_DOT};
    nfl_norms_set(&norms, &scoring);
    nfl_cursor cursor;
    if (!nfl_cursor_open(&cursor, segment, list, 1.0f, &norms)) return NFL_DAMAGED;
    uint32_t at = 0;
    for (; cursor.block < cursor.block_count; cursor.block++) {
        nfl_cursor_seek(&cursor, 0);
        const int64_t left = (int64_t)list->count - at;
        /* The first call of a block unpacks it; seeking slot 0 stays at its first posting. */
        const uint32_t size = (uint32_t)(left < cursor.size ? left : cursor.size);
        nfl_cursor_frequency(&cursor);
        memcpy(slots + at, cursor.slots, size * sizeof *slots);
        memcpy(frequencies + at, cursor.frequencies, size * sizeof *frequencies);
        at += size;
    }
    return cursor.damaged ? NFL_DAMAGED : NFL_OK;
}

int64_t nfl_find(const uint8_t *keys, const uint32_t *ends, int64_t count, const uint8_t *key,
                 int64_t length) {
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int64_t size = (int64_t)ends[middle + 1] - ends[middle];
        int order = memcmp(keys + ends[middle], key, (size_t)(size < length ? size : length));
        if (order == 0) order = (size > length) - (size < length);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1 - low;
}

int64_t nfl_variable(const uint8_t *data, int64_t size, uint32_t *values, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t value = 0;
        for (uint32_t shift = 0;; shift += 7) {
            if (at >= size || shift > 28) return -1;
            const uint8_t byte = data[at++];
            value |= (uint32_t)(byte & 127) << shift;
            if (byte < 128) break;
        }
        values[i] = value;
    }
    return at;
}

enum { STRIDE = 64 };

int64_t nfl_places(const uint8_t *text, int64_t size, const uint8_t *part, int64_t length,
                   int64_t *places, int64_t limit) {
    if (length < 1 || length > size) return 0;
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
