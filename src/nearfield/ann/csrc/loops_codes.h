/* Inner loops over codes: rotation, quantisation, estimates. */
#ifndef NFA_LOOPS_CODES_H
#define NFA_LOOPS_CODES_H

#include <math.h>

#include "kernel.h"
#include "wide.h"

/* Sums and differences of lanes h apart. */
INLINE floats butterfly(floats x, ints partner, floats sign) {
#if defined(__clang__)
    floats other;
    for (int i = 0; i < 16; i++) other[i] = x[partner[i]];
#else
    floats other = __builtin_shuffle(x, partner);
#endif
    return other + x * sign;
}

/* Walsh-Hadamard transform of `length` floats, a power of two ≥ 16, scaled to keep lengths. */
INLINE void hadamard(float *x, size_t length, float scale) {
    const ints by1 = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14};
    const ints by2 = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
    const ints by4 = {4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11};
    const ints by8 = {8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7};
    const floats sign1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
    const floats sign2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
    const floats sign4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
    const floats sign8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
    for (size_t i = 0; i < length; i += 16) {
        floats a = butterfly(load(x + i), by1, sign1);
        a = butterfly(a, by2, sign2);
        a = butterfly(a, by4, sign4);
        store(x + i, butterfly(a, by8, sign8));
    }
    for (size_t h = 16; h < length; h *= 2)
        for (size_t i = 0; i < length; i += 2 * h)
            for (size_t j = i; j < i + h; j += 16) {
                const floats a = load(x + j), b = load(x + j + h);
                store(x + j, a + b);
                store(x + j + h, a - b);
            }
    for (size_t i = 0; i < length; i += 16) store(x + i, load(x + i) * scale);
}

/* Rounds of random signs and a Hadamard transform, in turn of the first and of the last 2ⁿ
 * dimensions, so that any width is mixed by O(width log width) operations. */
static void rotate(const nfa_space *space, float *x) {
    const size_t width = (size_t)space->width;
    size_t part = 64;
    while (part * 2 <= width) part *= 2;
    const float scale = (float)(1.0 / sqrt((double)part));
    for (size_t round = 0; round < (size_t)space->rounds; round++) {
        const float *signs = space->signs + round * width;
        for (size_t i = 0; i < width; i += 16) store(x + i, load(x + i) * load(signs + i));
        hadamard(round % 2 ? x + width - part : x, part, scale);
    }
}

INLINE float dot(const float *x, const float *y, size_t width) {
    floats sum = {0};
    for (size_t i = 0; i < width; i += 16) sum += load(x + i) * load(y + i);
    return sum_of_lanes(sum);
}

INLINE float sum_of_magnitudes(const float *x, size_t width) {
    floats sum = {0};
    for (size_t i = 0; i < width; i += 16) sum += (floats)((ints)load(x + i) & 0x7fffffff);
    return sum_of_lanes(sum);
}

INLINE floats either(ints which, floats a, floats b) {
    return (floats)((which & (ints)a) | (~which & (ints)b));
}

/* Sixteen levels, 0.3375 standard deviations apart (2.7 to each side: the least squared error of
 * a normal distribution is near). The highest bit of a level is the sign of its dimension; the
 * three others go into the row. Returns Σ (2u - 15) x. */
INLINE float quantise(const float *x, size_t width, float steps, unsigned char *row) {
    floats sum = {0};
    for (size_t i = 0; i < width; i += 16) {
        unsigned char *low = row + i / 64 * 24, *third = low + 16;
        const size_t group = i / 16 % 4;
        const floats a = load(x + i);
        const floats highest = (floats){0} + 7.0f, lowest = (floats){0} - 8.0f;
        floats level = a * steps;
        level = either(level > highest, highest, level);
        level = either(level < lowest, lowest, level);
        ints u = __builtin_convertvector(level, ints);         /* toward zero */
        u += __builtin_convertvector(u, floats) > level;        /* a true comparison is -1 */
        u += 8;
        sum += __builtin_convertvector(2 * u - 15, floats) * a;
        if (group == 0) memset(low, 0, 24);
        for (size_t j = 0; j < 16; j++) {
            low[j] |= (unsigned char)((u[j] & 3) << 2 * group);
            third[j % 8] |= (unsigned char)((u[j] >> 2 & 1) << (group + j / 8 * 4));
        }
    }
    return sum_of_lanes(sum);
}

static double exact_dot(const float *x, const float *y, size_t dimension);

/* RaBitQ (Gao and Long, SIGMOD 2024): with the rotated residual r = R (x - c) and its signs s,
 * <r, q> is estimated without bias by |r|² / <s, r> · <s, q>; 4-bit levels take the place of s in
 * the same formula. A vector that float32 cannot measure gets NaN, which is always kept. */
static void encode(const nfa_space *space, const float *vector, unsigned char *unit, size_t place,
                   float *x) {
    const size_t dimension = (size_t)space->dimension, width = (size_t)space->width;
    unsigned char *block = unit + place / BLOCK * block_bytes(width), *lane = block + place % BLOCK;
    unsigned char *row = unit + rows_offset(width, UNIT) + place * row_bytes(width);
    float factor = (float)(1.0 / space->scale);
    if (space->metric == NFA_COSINE) {
        const double square = exact_dot(vector, vector, dimension);
        factor = square > 0.0 ? (float)(1.0 / sqrt(square)) : 0.0f;
    }
    for (size_t i = 0; i < dimension; i++) x[i] = vector[i] * factor - space->centre[i];
    for (size_t i = dimension; i < width; i++) x[i] = 0.0f;
    float add = dot(x, space->centre, width);
    rotate(space, x);
    const float square = dot(x, x, width);
    if (space->metric == NFA_EUCLIDEAN) add = -0.5f * square;
    float one_bit = 0.0f, steps = 0.0f;
    const int measurable = square < 1e30f;
    if (measurable && square > 1e-30f) {
        one_bit = nfa_widened(nfa_bfloat16(square / sum_of_magnitudes(x, width)));
        steps = 1.0f / (0.3375f * sqrtf(square / (float)width));
    }
    if (!measurable) {
        add = NAN;
        memset(x, 0, width * sizeof(float));
    }
    for (size_t j = 0; j < width / 8; j++) {
        unsigned signs = 0;
        for (size_t i = 0; i < 8; i++) signs |= (unsigned)(x[8 * j + i] >= 0.0f) << i;
        lane[j * BLOCK] = (unsigned char)signs;
    }
    const float product = quantise(x, width, steps, row);
    const float ratio = one_bit > 0.0f ? square / product / one_bit * 32768.0f + 0.5f : 0.0f;
    const uint16_t packed = ratio < 65535.0f ? (uint16_t)ratio : 65535;
    const uint16_t half = nfa_bfloat16(one_bit), rough = nfa_bfloat16(add);
    unsigned char *adds = block + BLOCK * (width / 8), *ends = row + low_bytes(width);
    memcpy(adds + 2 * (place % BLOCK), &rough, 2);
    memcpy(adds + 2 * BLOCK + 2 * (place % BLOCK), &half, 2);
    memcpy(ends, &add, 4);
    memcpy(ends + 4, &half, 2);
    memcpy(ends + 6, &packed, 2);
}

/* Sums of table entries for 64 vectors: each half byte of a code looks up its table, which is one
 * instruction for all (André, Kermarrec, Le Scouarnec, VLDB 2015). Four entries, each at most 63,
 * are added in bytes, then bytes of even and odd vectors in 16-bit words. */
#if defined(__AVX512BW__)
INLINE __m512i look_up(const uint8_t *tables, const unsigned char *codes) {
    const __m512i low = _mm512_set1_epi8(15), bytes = _mm512_loadu_si512(codes);
    const __m512i first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)tables));
    const __m512i second = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(tables + 16)));
    const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low);
    return _mm512_add_epi8(_mm512_shuffle_epi8(first, _mm512_and_si512(bytes, low)),
                           _mm512_shuffle_epi8(second, upper));
}

INLINE void sums_of_block(const uint8_t *tables, size_t bytes, const unsigned char *codes,
                          uint16_t *sums) {
    __m512i even = _mm512_setzero_si512(), odd = even;
    for (size_t j = 0; j < bytes; j += 2) {
        const __m512i t = _mm512_add_epi8(look_up(tables + 32 * j, codes + BLOCK * j),
                                          look_up(tables + 32 * j + 32, codes + BLOCK * (j + 1)));
        even = _mm512_add_epi16(even, t);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(t, 8));
    }
    even = _mm512_sub_epi16(even, _mm512_slli_epi16(odd, 8));
    /* Back into the order of the vectors. */
    const __m512i a = _mm512_unpacklo_epi16(even, odd), b = _mm512_unpackhi_epi16(even, odd);
    const __m512i ab = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i cd = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    _mm512_storeu_si512(sums, _mm512_permutex2var_epi64(a, ab, b));
    _mm512_storeu_si512(sums + 32, _mm512_permutex2var_epi64(a, cd, b));
}
#elif defined(__AVX2__)
INLINE __m256i look_up(const uint8_t *tables, const unsigned char *codes) {
    const __m256i low = _mm256_set1_epi8(15), bytes = _mm256_loadu_si256((const __m256i *)codes);
    const __m256i first = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)tables));
    const __m256i second =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(tables + 16)));
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low);
    return _mm256_add_epi8(_mm256_shuffle_epi8(first, _mm256_and_si256(bytes, low)),
                           _mm256_shuffle_epi8(second, upper));
}

INLINE void sums_of_block(const uint8_t *tables, size_t bytes, const unsigned char *codes,
                          uint16_t *sums) {
    __m256i even[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()}, odd[2] = {even[0], even[0]};
    for (size_t j = 0; j < bytes; j += 2)
        for (size_t half = 0; half < 2; half++) {
            const unsigned char *c = codes + BLOCK * j + 32 * half;
            const __m256i t = _mm256_add_epi8(look_up(tables + 32 * j, c),
                                              look_up(tables + 32 * j + 32, c + BLOCK));
            even[half] = _mm256_add_epi16(even[half], t);
            odd[half] = _mm256_add_epi16(odd[half], _mm256_srli_epi16(t, 8));
        }
    for (size_t half = 0; half < 2; half++) {
        const __m256i e = _mm256_sub_epi16(even[half], _mm256_slli_epi16(odd[half], 8));
        const __m256i a = _mm256_unpacklo_epi16(e, odd[half]), b = _mm256_unpackhi_epi16(e, odd[half]);
        __m256i *out = (__m256i *)(sums + 32 * half);
        _mm256_storeu_si256(out, _mm256_permute2x128_si256(a, b, 0x20));
        _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(a, b, 0x31));
    }
}
#else
INLINE void sums_of_block(const uint8_t *tables, size_t bytes, const unsigned char *codes,
                          uint16_t *sums) {
    memset(sums, 0, BLOCK * sizeof *sums);
    for (size_t j = 0; j < bytes; j++) {
        const uint8_t *first = tables + 32 * j, *second = first + 16;
        for (size_t v = 0; v < BLOCK; v++) {
            const unsigned char code = codes[BLOCK * j + v];
            sums[v] = (uint16_t)(sums[v] + first[code & 15] + second[code >> 4]);
        }
    }
}
#endif

/* Bit i: estimate i is not below or equal to the threshold. */
INLINE uint64_t above(const float *estimates, float threshold) {
    uint64_t bits = 0;
#if defined(__AVX512F__)
    for (size_t i = 0; i < BLOCK; i += 16)
        bits |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(estimates + i),
                                             _mm512_set1_ps(threshold), _CMP_NLE_UQ) << i;
#elif defined(__AVX2__)
    for (size_t i = 0; i < BLOCK; i += 8) {
        const __m256 higher = _mm256_cmp_ps(_mm256_loadu_ps(estimates + i),
                                            _mm256_set1_ps(threshold), _CMP_NLE_UQ);
        bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(higher) << i;
    }
#else
    for (size_t i = 0; i < BLOCK; i++) bits |= (uint64_t)(!(estimates[i] <= threshold)) << i;
#endif
    return bits;
}

static uint64_t estimate(const nfa_query *query, size_t width, const unsigned char *block,
                         float threshold, float *estimates) {
    uint16_t sums[BLOCK], adds[BLOCK], factors[BLOCK];
    const unsigned char *stored = block + BLOCK * (width / 8);
    const float step = query->one_bit_step, add_factor = query->add_factor;
    const int32_t base = query->one_bit_base;
    sums_of_block(query->tables, width / 8, block, sums);
    memcpy(adds, stored, sizeof adds);
    memcpy(factors, stored + sizeof adds, sizeof factors);
    for (size_t i = 0; i < BLOCK; i++) {
        const float product = step * (float)(2 * (int32_t)sums[i] + base);
        estimates[i] = add_factor * nfa_widened(adds[i]) + nfa_widened(factors[i]) * product;
    }
    return above(estimates, threshold);
}

#if defined(__AVX2__)
static int32_t low_product(const unsigned char *row, const int8_t *query, size_t width) {
    const __m256i two = _mm256_set1_epi8(3), one = _mm256_set1_epi8(4);
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i by0 = _mm256_set_epi64x(2, 2, 0, 0), by4 = _mm256_set_epi64x(6, 6, 4, 4);
    const __m256i up = _mm256_set_epi64x(1, 1, 2, 2), down = _mm256_set_epi64x(1, 1, 0, 0);
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < width; i += 64, row += 24) {
        /* Lane 0 has dimensions 0 … 15 (then 32 … 47), lane 1 the next sixteen. */
        const __m128i low = _mm_loadu_si128((const __m128i *)row);
        const __m128i third = _mm_loadl_epi64((const __m128i *)(row + 16));
        const __m256i lows = _mm256_broadcastsi128_si256(low);
        const __m256i thirds = _mm256_broadcastsi128_si256(
            _mm_unpacklo_epi64(third, _mm_srli_epi64(third, 4)));
        const __m256i a = _mm256_or_si256(
            _mm256_and_si256(_mm256_srlv_epi64(lows, by0), two),
            _mm256_and_si256(_mm256_sllv_epi64(thirds, up), one));
        const __m256i b = _mm256_or_si256(
            _mm256_and_si256(_mm256_srlv_epi64(lows, by4), two),
            _mm256_and_si256(_mm256_srlv_epi64(thirds, down), one));
        const __m256i first = _mm256_loadu_si256((const __m256i *)(query + i));
        const __m256i second = _mm256_loadu_si256((const __m256i *)(query + i + 32));
        const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(a, first),
                                               _mm256_maddubs_epi16(b, second));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
    int32_t lanes[8], total = 0;
    _mm256_storeu_si256((__m256i *)lanes, sum);
    for (int i = 0; i < 8; i++) total += lanes[i];
    return total;
}
#else
static int32_t low_product(const unsigned char *row, const int8_t *query, size_t width) {
    int32_t sum = 0;
    for (size_t i = 0; i < width; i += 64, row += 24)
        for (size_t j = 0; j < 64; j++) {
            const int low = row[j % 16] >> j / 16 * 2 & 3;
            const int third = row[16 + j % 8] >> (j / 16 + j / 8 % 2 * 4) & 1;
            sum += (low | third << 2) * query[i + j];
        }
    return sum;
}
#endif

static int32_t byte_product(const int8_t *a, const int8_t *b, size_t width) {
    int32_t sum = 0;
    for (size_t i = 0; i < width; i++) sum += a[i] * b[i];
    return sum;
}

#endif
