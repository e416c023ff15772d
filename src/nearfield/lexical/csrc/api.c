/* The smaller functions of the interface. */
#include <string.h>

#include "cursor.h"
#include "places.h"

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
        if (nfl_cursor_seek(&cursor, 0) == END) return NFL_DAMAGED;
        const int64_t left = (int64_t)list->count - at;
        /* The first call of a block unpacks it; seeking slot 0 stays at its first posting. */
        const uint32_t size = (uint32_t)(left < cursor.size ? left : cursor.size);
        nfl_cursor_frequency(&cursor);
        memcpy(slots + at, cursor.slots, size * sizeof *slots);
        memcpy(frequencies + at, cursor.frequencies, size * sizeof *frequencies);
        at += size;
    }
    return NFL_OK;
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

/* ---- kernels, the preferred ones first ---- */

typedef struct {
    const char *name;
    int (*usable)(void);
    nfl_places_kernel *places;
} kernel;

static int always(void) { return 1; }

#if defined(NF_WITH_AVX2)
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
#if defined(NF_WITH_AVX512)
static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static const kernel kernels[] = {
#if defined(NF_WITH_AVX512)
    {"avx512", has_avx512, nfl_places_avx512},
#endif
#if defined(NF_WITH_AVX2)
    {"avx2", has_avx2, nfl_places_avx2},
#endif
    {"plain", always, nfl_places_plain},
};

#define KERNELS ((int32_t)(sizeof kernels / sizeof *kernels))

int32_t nfl_kernel_count(void) { return KERNELS; }

const char *nfl_kernel_name(int32_t index) {
    return index >= 0 && index < KERNELS ? kernels[index].name : "";
}

int32_t nfl_kernel_usable(int32_t index) {
    return index >= 0 && index < KERNELS ? kernels[index].usable() : 0;
}

int64_t nfl_places(int32_t index, const uint8_t *text, int64_t size, const uint8_t *part,
                   int64_t length, int64_t *places, int64_t limit) {
    if (!nfl_kernel_usable(index)) return -1;
    if (length < 1 || length > size) return 0;
    return kernels[index].places(text, size, part, length, places, limit);
}
