/* Words of texts, as the pattern of characters.py finds them, and their numbers. */
#include "vocabulary.h"

enum { WORD = 1, JOINT = 2, HARD = 4 };

/* One text: a cursor over its characters, each looked up in a table of classes. */
typedef struct {
    const uint8_t *at, *end;
    const uint8_t *classes;
    int64_t known; /* code points that the table has; others are hard */
    bool hard;
} reader;

/* The class of the character at `at`, and where the next one begins. */
static inline uint8_t class_at(reader *r, const uint8_t *at, const uint8_t **next) {
    const uint8_t first = *at;
    if (first < 128) {
        *next = at + 1;
        return r->classes[first];
    }
    int64_t point = INT64_MAX;
    if (first < 0xe0 && r->end - at >= 2) {
        point = (first & 31) << 6 | (at[1] & 63);
        *next = at + 2;
    } else if (first < 0xf0 && r->end - at >= 3) {
        point = (first & 15) << 12 | (at[1] & 63) << 6 | (at[2] & 63);
        *next = at + 3;
    } else {
        *next = r->end;
    }
    const uint8_t class = point < r->known ? r->classes[point] : HARD;
    r->hard |= class == HARD;
    return class;
}

/* Behind the letters that begin at `at`. */
static const uint8_t *letters(reader *r, const uint8_t *at) {
    const uint8_t *next;
    while (at < r->end && class_at(r, at, &next) == WORD) at = next;
    return at;
}

/* Behind the word that begins at `at`: letters, joints with letters behind, then ++ or #. */
static const uint8_t *word_end(reader *r, const uint8_t *at) {
    at = letters(r, at);
    const uint8_t *next;
    while (at < r->end && class_at(r, at, &next) == JOINT) {
        const uint8_t *behind = letters(r, next);
        if (behind == next) break;
        at = behind;
    }
    if (r->end - at >= 2 && at[0] == '+' && at[1] == '+') return at + 2;
    return at < r->end && *at == '#' ? at + 1 : at;
}

/* Numbers of the words of one text; their number, or -1 where there is no memory. */
static int64_t read_text(nfl_vocabulary *v, reader *r, uint32_t *numbers) {
    int64_t count = 0;
    while (r->at < r->end) {
        const uint8_t *next;
        if (class_at(r, r->at, &next) != WORD) {
            r->at = next;
            if (r->hard) return 0;
            continue;
        }
        const uint8_t *stop = word_end(r, r->at);
        if (r->hard) return 0;
        const uint32_t number = nfl_vocabulary_place(v, r->at, (size_t)(stop - r->at));
        if (number == UINT32_MAX) return -1;
        numbers[count++] = number;
        r->at = stop;
    }
    return count;
}

/* Behind so many characters; NULL where the bytes end before. */
static const uint8_t *behind(const uint8_t *at, const uint8_t *end, uint64_t characters) {
    if ((uint64_t)(end - at) < characters) return NULL;
    const uint8_t *stop = at + characters;
    uint64_t more = 0; /* characters that lie behind `stop` */
    for (; at < stop; at++) more += (*at & 0xc0) == 0x80;
    while (more && at < end) {
        more -= (*at & 0xc0) != 0x80;
        at++;
    }
    while (at < end && (*at & 0xc0) == 0x80) at++;
    return more ? NULL : at;
}

int64_t nfl_words(nfl_vocabulary *v, const uint8_t *text, int64_t size, const uint32_t *characters,
                  int64_t texts, const uint8_t *classes, int64_t known, uint32_t *numbers,
                  uint32_t *counts, uint8_t *hard) {
    const uint8_t *at = text, *end = text + size;
    int64_t total = 0;
    for (int64_t i = 0; i < texts; i++) {
        const uint8_t *stop = behind(at, end, characters[i]);
        if (stop == NULL) return -1;
        reader r = {.at = at, .end = stop, .classes = classes, .known = known, .hard = false};
        const int64_t found = read_text(v, &r, numbers + total);
        if (found < 0) return -1;
        hard[i] = r.hard;
        counts[i] = (uint32_t)found;
        total += found;
        at = stop;
    }
    return total;
}
