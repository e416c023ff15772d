/* What stands in texts turned into where terms stand: words to terms, terms to postings. */
#include "sections.h"
#include "vocabulary.h"

/* A string to be put in order; the first bytes decide most comparisons. */
typedef struct {
    uint64_t lead;
    const uint8_t *string;
    size_t length;
    uint32_t number;
} sorted;

typedef struct {
    uint32_t *counts; /* occurrences of each term, then where they begin and end */
    uint32_t *rank;   /* of each term that stands somewhere */
    uint32_t *seen;   /* whether a word was met before */
    uint32_t *texts, *positions;
    sorted *order;
} scratch;

static int compare(const void *first, const void *second) {
    const sorted *a = first, *b = second;
    if (a->lead != b->lead) return a->lead < b->lead ? -1 : 1;
    const size_t both = a->length < b->length ? a->length : b->length;
    const int order = memcmp(a->string, b->string, both);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static sorted to_sort(const nfl_vocabulary *v, uint32_t number) {
    sorted s = {.number = number};
    s.string = nfl_vocabulary_string(v, number, &s.length);
    for (size_t i = 0; i < 8; i++) s.lead = s.lead << 8 | (i < s.length ? s.string[i] : 0);
    return s;
}

/* Lengths of texts, and how often each term stands in them; the number of occurrences. */
static size_t count_terms(const nfl_batch *b, scratch *s, uint32_t *lengths) {
    size_t total = 0;
    const uint32_t *word = b->found;
    for (int64_t text = 0; text < b->texts; text++) {
        uint32_t length = 0;
        for (const uint32_t *stop = word + b->counts[text]; word < stop; word++) {
            length += b->widths[*word];
            const uint32_t begin = b->starts[*word], end = b->starts[*word + 1];
            for (uint32_t i = begin; i < end; i++) s->counts[b->terms[i]]++;
            total += end - begin;
        }
        lengths[text] = length;
    }
    return total;
}

/* The terms that stand somewhere, in order; their number. `counts` become where they begin. */
static size_t rank_terms(const nfl_batch *b, scratch *s) {
    const uint32_t terms = nfl_vocabulary_count(b->keys);
    size_t used = 0;
    for (uint32_t term = 0; term < terms; term++)
        if (s->counts[term]) s->order[used++] = to_sort(b->keys, term);
    qsort(s->order, used, sizeof *s->order, compare);
    uint32_t begin = 0;
    for (size_t rank = 0; rank < used; rank++) {
        const uint32_t term = s->order[rank].number, count = s->counts[term];
        s->rank[term] = (uint32_t)rank;
        s->counts[term] = begin;
        begin += count;
    }
    return used;
}

/* Put each occurrence where its term's stand, in the order of texts; `counts` become ends. */
static void scatter(const nfl_batch *b, scratch *s) {
    const uint32_t *word = b->found;
    for (int64_t text = 0; text < b->texts; text++) {
        uint32_t position = 0;
        for (const uint32_t *stop = word + b->counts[text]; word < stop; word++) {
            for (uint32_t i = b->starts[*word]; i < b->starts[*word + 1]; i++) {
                const uint32_t place = s->counts[b->terms[i]]++;
                s->texts[place] = (uint32_t)text;
                s->positions[place] = position + b->offsets[i];
            }
            position += b->widths[*word];
        }
    }
}

static bool add_positions(nfl_sections *sections, const uint32_t *positions, size_t count) {
    if (!nfl_bytes_reserve(&sections->positions, 5 * count)) return false;
    uint8_t *to = sections->positions.data + sections->positions.used;
    for (size_t i = 0; i < count; i++)
        to += nfl_variable_write(to, positions[i] - (i ? positions[i - 1] : 0));
    sections->positions.used = (size_t)(to - sections->positions.data);
    return true;
}

/* Join occurrences [begin, end) of one term to postings, over the occurrences themselves. */
static bool add_term(const nfl_batch *b, scratch *s, nfl_sections *out, const sorted *key,
                     uint32_t begin, uint32_t end, const uint32_t *lengths,
                     nfl_numbers *frequencies) {
    frequencies->used = 0;
    if (!nfl_numbers_reserve(frequencies, end - begin)) return false;
    size_t count = 0;
    for (uint32_t i = begin; i < end;) {
        const uint32_t text = s->texts[i], first = i;
        while (i < end && s->texts[i] == text) i++;
        if (b->with_positions && !add_positions(out, s->positions + first, i - first)) return false;
        s->texts[begin + count] = text;
        frequencies->data[count++] = i - first;
    }
    const nfl_postings postings = {s->texts + begin, frequencies->data, count};
    return nfl_sections_term(out, key->string, key->length, &postings, lengths);
}

/* Spellings of words that were met, each with the term of the last word that has it. */
static bool add_surfaces(const nfl_batch *b, scratch *s, nfl_sections *out, uint32_t *terms) {
    size_t used = 0;
    for (int64_t i = 0; i < b->found_count; i++) {
        const uint32_t word = b->found[i];
        if (s->seen[word]) continue;
        s->seen[word] = 1;
        for (uint32_t j = b->surface_starts[word]; j < b->surface_starts[word + 1]; j++) {
            const uint32_t surface = b->surfaces[j];
            if (!terms[surface]) s->order[used++] = to_sort(b->spelt, surface);
            terms[surface] = b->surface_terms[j] + 1;
        }
    }
    qsort(s->order, used, sizeof *s->order, compare);
    for (size_t i = 0; i < used; i++) {
        const uint32_t term = terms[s->order[i].number] - 1;
        if (!nfl_sections_surface(out, s->order[i].string, s->order[i].length, s->rank[term]))
            return false;
    }
    return true;
}

static bool fill(const nfl_batch *b, scratch *s, nfl_sections *out, uint32_t *lengths) {
    const size_t used = rank_terms(b, s);
    scatter(b, s);
    nfl_numbers frequencies = {0};
    bool done = true;
    uint32_t begin = 0;
    for (size_t rank = 0; rank < used && done; rank++) {
        const uint32_t end = s->counts[s->order[rank].number];
        done = add_term(b, s, out, &s->order[rank], begin, end, lengths, &frequencies);
        begin = end;
    }
    free(frequencies.data);
    if (!done || !nfl_sections_finish(out)) return false;
    const size_t surfaces = nfl_vocabulary_count(b->spelt);
    memset(s->counts, 0, surfaces * sizeof *s->counts); /* no longer needed for terms */
    return add_surfaces(b, s, out, s->counts);
}

nfl_sections *nfl_invert(const nfl_batch *b, uint32_t *lengths) {
    const size_t terms = nfl_vocabulary_count(b->keys), spelt = nfl_vocabulary_count(b->spelt);
    const size_t most = terms > spelt ? terms : spelt;
    const size_t words = nfl_vocabulary_count(b->words);
    scratch s = {
        .counts = calloc(most + 1, sizeof *s.counts),
        .rank = calloc(terms + 1, sizeof *s.rank),
        .seen = calloc(words + 1, sizeof *s.seen),
        .order = malloc((most + 1) * sizeof *s.order),
    };
    nfl_sections *out = nfl_sections_new();
    bool done = s.counts && s.rank && s.seen && s.order && out;
    if (done) {
        const size_t total = count_terms(b, &s, lengths);
        s.texts = malloc((total + 1) * sizeof *s.texts);
        s.positions = malloc((total + 1) * sizeof *s.positions);
        done = total < UINT32_MAX && s.texts && s.positions && fill(b, &s, out, lengths);
    }
    free(s.counts);
    free(s.rank);
    free(s.seen);
    free(s.order);
    free(s.texts);
    free(s.positions);
    if (done) return out;
    nfl_sections_free(out);
    return NULL;
}
