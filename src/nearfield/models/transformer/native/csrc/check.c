/* Whether a kernel computes what it should on this processor, found out with a small random
 * encoder before the kernel is trusted: an emulation, a compiler or a processor may be wrong.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

/* Lengths on both sides of what kernels take at a time; heads and layers as real models have. */
static const nf_shape shape = {
    .layers = 2, .hidden = 64, .heads = 2, .intermediate = 96, .vocabulary = 32, .positions = 40,
    .padding_id = -1, .activation = NF_GELU, .relative = 0, .norm_epsilon = 1e-12,
};
static const int64_t borders[] = {0, 1, 18, 51};

enum { TEXTS = 3, TOKENS = 51, HIDDEN = 64, WIDE = 96 };

/* Where numbers are put, and what the next one comes from. */
typedef struct {
    float *room;
    uint64_t state;
} source;

/* Uniform numbers of the given deviation around `mean` (Knuth's linear congruential generator). */
static const float *random_numbers(source *from, size_t count, float mean, float deviation) {
    float *numbers = from->room;
    from->room += count;
    for (size_t i = 0; i < count; i++) {
        from->state = from->state * 6364136223846793005u + 1442695040888963407u;
        const float uniform = (float)(from->state >> 40) / 16777216.0f - 0.5f;
        numbers[i] = mean + deviation * 3.4641016f * uniform;
    }
    return numbers;
}

static nf_layer_weights random_layer(source *from) {
    const size_t square = HIDDEN * HIDDEN, wide = HIDDEN * WIDE;
    nf_layer_weights l;
#define LINEAR(name, count, inputs, outputs)                                     \
    l.name##_weight = random_numbers(from, count, 0.0f, 1.0f / sqrtf(inputs)); \
    l.name##_bias = random_numbers(from, outputs, 0.0f, 0.1f)
#define NORM(name)                                                    \
    l.name##_weight = random_numbers(from, HIDDEN, 1.0f, 0.1f); \
    l.name##_bias = random_numbers(from, HIDDEN, 0.0f, 0.1f)
    LINEAR(query, square, HIDDEN, HIDDEN);
    LINEAR(key, square, HIDDEN, HIDDEN);
    LINEAR(value, square, HIDDEN, HIDDEN);
    LINEAR(attended, square, HIDDEN, HIDDEN);
    NORM(attended_norm);
    LINEAR(widen, wide, HIDDEN, WIDE);
    LINEAR(narrow, wide, WIDE, HIDDEN);
    NORM(norm);
#undef LINEAR
#undef NORM
    return l;
}

/* The encoder's token vectors by one kernel, (TOKENS, HIDDEN). */
static int32_t encode_by(const char *kernel, float *out, char *message, size_t size) {
    enum { NUMBERS = 2 * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * WIDE + WIDE + 9 * HIDDEN) +
                     (32 + 40 + 2) * HIDDEN };
    float *numbers = malloc(NUMBERS * sizeof *numbers);
    source from = {numbers, 1};
    if (!numbers) return nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for the check");
    const nf_layer_weights layers[2] = {random_layer(&from), random_layer(&from)};
    const float *words = random_numbers(&from, 32 * HIDDEN, 0.0f, 1.0f);
    const float *positions = random_numbers(&from, 40 * HIDDEN, 0.0f, 1.0f);
    const nf_weights weights = {
        .norm_weight = random_numbers(&from, HIDDEN, 1.0f, 0.1f),
        .norm_bias = random_numbers(&from, HIDDEN, 0.0f, 0.1f),
        .layers = layers,
    };
    int64_t ids[TOKENS], bytes = 0;
    for (int i = 0; i < TOKENS; i++) ids[i] = i * 7 % 32;
    nf_model *model = NULL;
    void *panels = NULL;
    int32_t status = nf_panels_bytes(&shape, kernel, &bytes, message, size);
    if (status == NF_OK && !(panels = nf_allocate((size_t)bytes)))
        status = nf_fail(NF_OUT_OF_MEMORY, message, size, "no memory for the check");
    if (status == NF_OK)
        status = nf_panels_fill(&shape, &weights, kernel, 1, panels, bytes, message, size);
    if (status == NF_OK)
        status = nf_model_new(&shape, kernel, words, positions, panels, bytes, &model, message, size);
    if (status == NF_OK)
        status = nf_encode(model, ids, TOKENS, borders, TEXTS, NF_TOKENS, out, TOKENS * HIDDEN, 1,
                           message, size);
    nf_model_free(model);
    free(panels);
    free(numbers);
    return status;
}

/* The largest relative difference of two tokens' vectors; infinite where a number is not finite. */
static double difference(const float *expected, const float *found) {
    double largest = 0.0;
    for (int token = 0; token < TOKENS; token++, expected += HIDDEN, found += HIDDEN) {
        double squares = 0.0, differences = 0.0;
        for (int i = 0; i < HIDDEN; i++) {
            const double off = (double)found[i] - expected[i];
            squares += (double)expected[i] * expected[i];
            differences += off * off;
        }
        const double relative = sqrt(differences / squares);
        if (!(relative <= largest)) largest = isfinite(relative) ? relative : INFINITY;
    }
    return largest;
}

/* The kernel's vectors, computed by a child process and read from a pipe. Returns how many bytes
 * came; -1 where there is no child to be had. `died_of` is its signal, or 0. */
static ssize_t encode_in_child(const char *kernel, float *out, size_t bytes, int *died_of) {
    int ends[2], state = 0;
    *died_of = 0;
    if (pipe(ends) != 0) return -1;
    const pid_t child = fork();
    if (child == 0) {
        char *from = (char *)out, *end = from + bytes;
        static const int faults[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) (void)signal(faults[i], SIG_DFL);
        if (encode_by(kernel, out, NULL, 0) != NF_OK) _exit(1);
        while (from < end) {
            const ssize_t written = write(ends[1], from, (size_t)(end - from));
            if (written > 0) from += written;
            else if (errno != EINTR) _exit(1);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    ssize_t came = child < 0 ? -1 : 0;
    while (child > 0 && (size_t)came < bytes) {
        const ssize_t now = read(ends[0], (char *)out + came, bytes - (size_t)came);
        if (now > 0) came += now;
        else if (now == 0 || errno != EINTR) break;
    }
    (void)close(ends[0]);
    if (child > 0) {
        pid_t ended;
        while ((ended = waitpid(child, &state, 0)) < 0 && errno == EINTR) continue;
        if (ended == child && WIFSIGNALED(state)) *died_of = WTERMSIG(state);
    }
    return came;
}

int32_t nf_kernel_check(int32_t index, char *message, size_t size) {
    /* Exact kernels differ by the order of their sums, 10⁻⁶; bfloat16 by its roundings, 10⁻². */
    const double bound = nf_kernel_precision(index) == NF_EXACT ? 1e-4 : 0.05;
    const char *kernel = nf_kernel_name(index);
    float expected[TOKENS * HIDDEN], found[TOKENS * HIDDEN] = {0};
    int died_of = 0;
    if (!nf_kernel_usable(index))
        return nf_fail(NF_UNAVAILABLE, message, size, "not usable on this processor");
    int32_t status = encode_by("plain", expected, message, size);
    if (status != NF_OK) return status;
    const ssize_t came = encode_in_child(kernel, found, sizeof found, &died_of);
    if (died_of)
        return nf_fail(NF_UNAVAILABLE, message, size, "it died of signal %d (%s)", died_of,
                       strsignal(died_of));
    if (came < 0 && (status = encode_by(kernel, found, message, size)) != NF_OK) return status;
    if (came >= 0 && came != (ssize_t)sizeof found)
        return nf_fail(NF_UNAVAILABLE, message, size, "it gave no vectors");
    const double off = difference(expected, found);
    if (off <= bound) return NF_OK;
    return nf_fail(NF_UNAVAILABLE, message, size,
                   "its vectors differ from plain C's by %.2g of their length, at most %.2g is allowed",
                   off, bound);
}
