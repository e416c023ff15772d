/* Chunks of rows; headings and metadata are JSON. */
#include <stdlib.h>
#include <string.h>

#include "columns.h"

typedef struct {
    const uint8_t *at, *end;
    uint8_t *spare; /* where texts with escapes are written; there is room for all of them */
} reader;

/* ---- reading JSON ---- */

static bool take(reader *r, uint8_t sign) {
    if (r->at == r->end || *r->at != sign) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word, size_t size) {
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size)) return false;
    r->at += size;
    return true;
}

static bool take_null(reader *r) { return take_word(r, "null", 4); }

static size_t skip_digits(reader *r, size_t most) {
    const uint8_t *first = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && (size_t)(r->at - first) < most) r->at++;
    return (size_t)(r->at - first);
}

/* Whole numbers of at most eighteen digits. */
static bool read_number(reader *r, int64_t *value) {
    const bool negative = take(r, '-');
    const uint8_t *first = r->at;
    const size_t digits = skip_digits(r, 19);
    if (digits < 1 || digits > 18 || (digits > 1 && *first == '0')) return false;
    int64_t number = 0;
    for (size_t i = 0; i < digits; i++) number = 10 * number + (first[i] - '0');
    *value = negative ? -number : number;
    return true;
}

static int hexadecimal(uint8_t sign) {
    if (sign >= '0' && sign <= '9') return sign - '0';
    if (sign >= 'a' && sign <= 'f') return sign - 'a' + 10;
    return sign >= 'A' && sign <= 'F' ? sign - 'A' + 10 : -1;
}

/* One escape behind its backslash; only those of ASCII, which are all that SQLite writes. */
static bool read_escape(reader *r, uint8_t *out) {
    static const char signs[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) return false;
    const uint8_t sign = *r->at++;
    *out = sign;
    if (sign == '"' || sign == '\\') return true; /* most of them: JSON inside of JSON */
    const char *found = sign ? strchr(signs, sign) : NULL;
    if (found) {
        *out = (uint8_t)meant[found - signs];
        return true;
    }
    if (sign != 'u' || r->end - r->at < 4) return false;
    int code = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hexadecimal(*r->at++);
        if (digit < 0) return false;
        code = 16 * code + digit;
    }
    *out = (uint8_t)code;
    return code < 128;
}

/* The bytes before the next quotation mark or backslash. */
static size_t plain_bytes(const reader *r) {
    const uint8_t *at = r->at;
    while (r->end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        const uint64_t quotes = word ^ 0x2222222222222222, slashes = word ^ 0x5c5c5c5c5c5c5c5c;
        /* A byte that is zero borrows; one before it may too, and is looked at below. */
        const uint64_t zeros = ((quotes - 0x0101010101010101) & ~quotes) |
                               ((slashes - 0x0101010101010101) & ~slashes);
        if (zeros & 0x8080808080808080) break;
        at += 8;
    }
    while (at < r->end && *at != '"' && *at != '\\') at++;
    return (size_t)(at - r->at);
}

static bool read_text(reader *r, text *out) {
    if (!take(r, '"')) return false;
    out->bytes = r->at;
    out->size = plain_bytes(r);
    r->at += out->size;
    if (take(r, '"')) return true;
    memcpy(r->spare, out->bytes, out->size);
    out->bytes = r->spare;
    r->spare += out->size;
    while (take(r, '\\')) {
        if (!read_escape(r, r->spare++)) return false;
        const size_t size = plain_bytes(r);
        memcpy(r->spare, r->at, size);
        r->spare += size;
        r->at += size;
    }
    out->size = (size_t)(r->spare - out->bytes);
    return take(r, '"');
}

/* ---- objects ---- */

static object *text_object(const nfr_python *p, const text *t) {
    return p->text((const char *)t->bytes, (ptrdiff_t)t->size, "surrogatepass");
}

static object *kept(const nfr_python *p, object *any) {
    p->keep(any);
    return any;
}

/* A number with a fraction or a power of ten, from its first byte on. */
static object *read_real(const nfr_python *p, reader *r) {
    text found = {r->at, 0};
    take(r, '-');
    if (!skip_digits(r, SIZE_MAX)) return NULL;
    if (take(r, '.') && !skip_digits(r, SIZE_MAX)) return NULL;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '-')) take(r, '+');
        if (!skip_digits(r, SIZE_MAX)) return NULL;
    }
    found.size = (size_t)(r->at - found.bytes);
    object *spelt = text_object(p, &found);
    object *made = spelt ? p->spelt(spelt) : NULL;
    if (spelt) p->drop(spelt);
    return made;
}

/* Texts, numbers, truth values, null. */
static object *read_plain(const nfr_python *p, reader *r) {
    int64_t number;
    text found;
    if (r->at < r->end && *r->at == '"') return read_text(r, &found) ? text_object(p, &found) : NULL;
    if (take_null(r)) return kept(p, p->none);
    if (take_word(r, "true", 4)) return kept(p, p->yes);
    if (take_word(r, "false", 5)) return kept(p, p->no);
    const uint8_t *first = r->at;
    if (!read_number(r, &number)) return NULL;
    if (r->at == r->end || (*r->at != '.' && *r->at != 'e' && *r->at != 'E')) return p->number(number);
    r->at = first;
    return read_real(p, r);
}

/* A list of them, of which the length is not known before; or a tuple. */
static object *read_list(const nfr_python *p, reader *r, bool as_tuple) {
    if (!take(r, '[')) return NULL;
    object *items[64];
    ptrdiff_t count = 0;
    bool good = take(r, ']');
    while (!good && count < 64) {
        items[count] = read_plain(p, r);
        if (!items[count]) break;
        count++;
        good = take(r, ']');
        if (!good && !take(r, ',')) break;
    }
    object *made = good ? (as_tuple ? p->tuple(count) : p->list(count)) : NULL;
    for (ptrdiff_t i = 0; i < count; i++)
        if (!made) p->drop(items[i]);
        else if (as_tuple) p->tuple_set(made, i, items[i]);
        else p->list_set(made, i, items[i]);
    return made;
}

static bool read_field(const nfr_python *p, reader *r, object *into) {
    text name;
    if (!read_text(r, &name) || !take(r, ':')) return false;
    object *key = text_object(p, &name), *value = NULL;
    if (key) value = r->at < r->end && *r->at == '[' ? read_list(p, r, false) : read_plain(p, r);
    const bool good = value && p->dict_set(into, key, value) == 0;
    if (key) p->drop(key);
    if (value) p->drop(value);
    return good;
}

static object *read_fields(const nfr_python *p, reader *r) {
    object *made = p->dict();
    if (!made) return NULL;
    bool good = take(r, '{');
    bool done = good && take(r, '}');
    while (good && !done) {
        good = read_field(p, r, made);
        done = good && take(r, '}');
        good = good && (done || take(r, ','));
    }
    if (good && r->at == r->end) return made;
    p->drop(made);
    return NULL;
}

static bool set(const nfr_python *p, object *chunk, int field, object *value) {
    if (!value) return false;
    const bool good = p->set(chunk, p->chunk_names[field], value) == 0;
    p->drop(value);
    return good;
}

static bool set_all(const nfr_python *p, object *chunk, const columns *c, uint8_t *spare) {
    reader headings = {c->headings.bytes, c->headings.bytes + c->headings.size, spare};
    reader metadata = {c->metadata.bytes, c->metadata.bytes + c->metadata.size, spare};
    return set(p, chunk, 0, text_object(p, &c->id)) && set(p, chunk, 1, text_object(p, &c->document)) &&
           set(p, chunk, 2, text_object(p, &c->body)) && set(p, chunk, 3, p->number(c->start)) &&
           set(p, chunk, 4, p->number(c->stop)) && set(p, chunk, 5, text_object(p, &c->source)) &&
           set(p, chunk, 6, read_list(p, &headings, true)) && headings.at == headings.end &&
           set(p, chunk, 7, c->has_page ? p->number(c->page) : kept(p, p->none)) &&
           set(p, chunk, 8, read_fields(p, &metadata));
}

object *nfr_chunk(const nfr_python *p, const columns *c) {
    const size_t most = c->headings.size > c->metadata.size ? c->headings.size : c->metadata.size;
    uint8_t few[512], *spare = most <= sizeof few ? few : malloc(most);
    object *chunk = spare ? p->instance(p->chunk, 0) : NULL;
    const bool good = chunk && set_all(p, chunk, c, spare);
    if (spare != few) free(spare);
    if (good) return chunk;
    if (chunk) p->drop(chunk);
    return NULL;
}
