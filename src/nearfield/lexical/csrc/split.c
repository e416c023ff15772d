/* Words of ASCII to the parts and wholes that stand for them; words.py has the rules. */
#include "vocabulary.h"

enum { LONGEST = 64, STEMMED = 1, WHOLE = 2, UNLESS_PART = 4, FLAG_BITS = 3 };

typedef struct {
    const uint8_t *at;
    size_t length;
} span;

typedef struct {
    nfl_vocabulary *folded;
    nfl_bytes joined;       /* a word without its joints */
    span *parts;
    size_t part_count, part_room;
    uint32_t *entries;      /* of all words */
    size_t entry_count;
    bool no_memory;
} splitter;

static inline bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }
static inline bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static inline bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool is_letter(uint8_t c) { return is_lower(c) || is_upper(c); }
static inline uint8_t lower(uint8_t c) { return is_upper(c) ? c | 32 : c; }

static inline bool is_joint(uint8_t c) {
    return c == '.' || c == ',' || c == '\'' || c == '@' || c == '_' || c == '-';
}

/* What kinds of characters stand in a string. */
typedef struct {
    bool lowers, uppers, digits, others;
} kinds;

static kinds kinds_of(span s) {
    kinds k = {0};
    for (size_t i = 0; i < s.length; i++) {
        k.lowers |= is_lower(s.at[i]);
        k.uppers |= is_upper(s.at[i]);
        k.digits |= is_digit(s.at[i]);
        k.others |= !is_letter(s.at[i]) && !is_digit(s.at[i]);
    }
    return k;
}

/* Add a term: the first characters in lower case, stemmed if it is to be and may be. */
static void add(splitter *s, span word, uint32_t flags) {
    uint8_t folded[LONGEST];
    const size_t length = word.length < LONGEST ? word.length : LONGEST;
    bool letters = length > 2;
    for (size_t i = 0; i < length; i++) {
        folded[i] = lower(word.at[i]);
        letters &= is_lower(folded[i]);
    }
    if (!letters) flags &= ~(uint32_t)STEMMED;
    const uint32_t number = nfl_vocabulary_place(s->folded, folded, length);
    s->no_memory |= number >= UINT32_MAX >> FLAG_BITS;
    s->entries[s->entry_count++] = number << FLAG_BITS | flags;
}

static bool add_part(splitter *s, const uint8_t *at, size_t length) {
    if (s->part_count == s->part_room) {
        const size_t room = nfl_more(s->part_room, s->part_count + 1);
        span *parts = realloc(s->parts, room * sizeof *parts);
        if (parts == NULL) return !(s->no_memory = true);
        s->parts = parts;
        s->part_room = room;
    }
    s->parts[s->part_count++] = (span){at, length};
    return true;
}

/* Whether a part begins at `i` within a piece: readFile, HTTPServer. */
static bool is_hump(span piece, size_t i) {
    const uint8_t *c = piece.at + i;
    if (!is_upper(c[0]) || i + 1 >= piece.length) return false;
    if (is_lower(c[-1]) || is_digit(c[-1])) return is_letter(c[1]);
    return is_upper(c[-1]) && i + 2 < piece.length && is_lower(c[1]) && is_lower(c[2]);
}

/* Add the parts of a piece; a part of one letter makes the piece one part. */
static bool add_piece(splitter *s, span piece) {
    const kinds k = kinds_of(piece);
    const size_t first = s->part_count;
    size_t begin = 0;
    bool short_one = false;
    if (k.lowers && k.uppers) {
        for (size_t i = 1; i < piece.length; i++) {
            if (!is_hump(piece, i)) continue;
            short_one |= i - begin == 1;
            if (!add_part(s, piece.at + begin, i - begin)) return false;
            begin = i;
        }
        short_one |= piece.length - begin == 1;
    }
    if (short_one) {
        s->part_count = first;
        begin = 0;
    }
    return add_part(s, piece.at + begin, piece.length - begin);
}

/* Find the parts of a word between its joints, and the word without these. */
static bool find_parts(splitter *s, span word) {
    s->part_count = s->joined.used = 0;
    for (size_t i = 0; i < word.length;) {
        const size_t begin = i;
        while (i < word.length && !is_joint(word.at[i])) i++;
        if (i > begin) {
            const span piece = {word.at + begin, i - begin};
            if (!add_piece(s, piece)) return false;
            if (!nfl_bytes_add(&s->joined, piece.at, piece.length))
                return !(s->no_memory = true);
        }
        while (i < word.length && is_joint(word.at[i])) i++;
    }
    return true;
}

static bool has(span word, const char *characters) {
    for (size_t i = 0; i < word.length; i++)
        if (strchr(characters, word.at[i])) return true;
    return false;
}

static bool add_compound(splitter *s, span word) {
    if (!find_parts(s, word)) return false;
    const span joined = {s->joined.data, s->joined.used};
    if (s->part_count == 0) { /* underscores alone */
        add(s, word, 0);
    } else if (s->part_count == 1) {
        add(s, s->parts[0], STEMMED);
        if (s->parts[0].length != word.length) add(s, word, WHOLE);
    } else {
        bool letters = !has(word, "_");
        for (size_t i = 0; i < s->part_count; i++) letters &= s->parts[i].length == 1;
        if (letters) { /* U.S.A., e.g. */
            add(s, joined, 0);
            return true;
        }
        for (size_t i = 0; i < s->part_count; i++) add(s, s->parts[i], STEMMED);
        if (has(word, "._@"))
            add(s, word, WHOLE | UNLESS_PART);
        else
            add(s, joined, WHOLE | UNLESS_PART | STEMMED);
    }
    return true;
}

/* 1,000 and 1,000.5 */
static bool is_number(span w) {
    size_t i = 0, groups = 0;
    while (i < w.length && i < 3 && is_digit(w.at[i])) i++;
    if (i == 0) return false;
    for (; i + 4 <= w.length && w.at[i] == ','; i += 4, groups++)
        for (size_t j = 1; j < 4; j++)
            if (!is_digit(w.at[i + j])) return false;
    if (groups == 0) return false;
    if (i == w.length) return true;
    if (w.at[i++] != '.' || i == w.length) return false;
    while (i < w.length && is_digit(w.at[i])) i++;
    return i == w.length;
}

static span without(splitter *s, span word, uint8_t character) {
    s->joined.used = 0;
    if (!nfl_bytes_reserve(&s->joined, word.length)) {
        s->no_memory = true;
        return word;
    }
    for (size_t i = 0; i < word.length; i++)
        if (word.at[i] != character) s->joined.data[s->joined.used++] = word.at[i];
    return (span){s->joined.data, s->joined.used};
}

/* Whether a word ends with an apostrophe and `ending`, in any case. */
static bool ends_with(span word, const char *ending) {
    const size_t length = strlen(ending);
    if (word.length <= length || word.at[word.length - length - 1] != '\'') return false;
    for (size_t i = 0; i < length; i++)
        if (lower(word.at[word.length - length + i]) != (uint8_t)ending[i]) return false;
    return true;
}

static bool is_contracted(span word) {
    return ends_with(word, "t") || ends_with(word, "re") || ends_with(word, "ve") ||
           ends_with(word, "ll") || ends_with(word, "d") || ends_with(word, "m");
}

/* Length of ++ or # at the end. */
static size_t suffix_of(span word) {
    const uint8_t *end = word.at + word.length;
    if (word.length && end[-1] == '#') return 1;
    return word.length > 1 && end[-1] == '+' && end[-2] == '+' ? 2 : 0;
}

/* Add what a word stands for; nothing where Python has to say it. */
static bool split(splitter *s, span word) {
    for (size_t i = 0; i < word.length; i++)
        if (word.at[i] >= 128) return true;
    const kinds k = kinds_of(word);
    const bool letters = !k.digits && !k.others;
    const bool title = is_upper(word.at[0]) && word.length > 1 &&
                       !kinds_of((span){word.at + 1, word.length - 1}).uppers;
    if (letters && (!k.uppers || !k.lowers || title)) {
        add(s, word, STEMMED);
        return true;
    }
    if (is_number(word)) {
        add(s, without(s, word, ','), 0);
        return true;
    }
    if (memchr(word.at, ',', word.length)) return true;
    if (ends_with(word, "s")) word.length -= 2;
    if (is_contracted(word)) {
        add(s, without(s, word, '\''), STEMMED);
        return true;
    }
    const size_t suffix = suffix_of(word);
    if (suffix == 0) return add_compound(s, word);
    add(s, (span){word.at, word.length - suffix}, STEMMED);
    add(s, word, WHOLE);
    return true;
}

int64_t nfl_split(const nfl_vocabulary *words, int64_t first, nfl_vocabulary *folded,
                  uint32_t *counts, uint32_t *entries) {
    splitter s = {.folded = folded, .entries = entries};
    const uint32_t end = nfl_vocabulary_count(words);
    for (uint32_t number = (uint32_t)first; number < end && !s.no_memory; number++) {
        span word;
        word.at = nfl_vocabulary_string(words, number, &word.length);
        const size_t before = s.entry_count;
        if (word.length && !split(&s, word)) break;
        counts[number - first] = (uint32_t)(s.entry_count - before);
    }
    free(s.parts);
    free(s.joined.data);
    return s.no_memory ? -1 : (int64_t)s.entry_count;
}
