/* Rows as SQLite gathered them, ``[[row, slot, "id", …], …]``, to chunks; see fetching.py. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "nearfield_rows.h"

typedef struct {
    const uint8_t *at, *end;
    uint8_t *spare; /* where texts with escapes are written; there is room for all of them */
} reader;

/* A text of the row, or none. */
typedef struct {
    const uint8_t *bytes; /* NULL: null */
    size_t size;
} text;

typedef struct {
    int64_t row, slot, start, stop, page;
    bool has_page;
    text id, document, body, source, headings, metadata, digest;
} columns;

int32_t nfr_abi_version(void) { return NFR_ABI_VERSION; }

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

static bool read_text_or_null(reader *r, text *out) {
    out->bytes = NULL;
    out->size = 0;
    return take_null(r) || read_text(r, out);
}

static bool read_columns(reader *r, columns *c) {
    if (!take(r, '[') || !read_number(r, &c->row)) return false;
    if (!take(r, ',') || !read_number(r, &c->slot)) return false;
    if (!take(r, ',') || !read_text(r, &c->id)) return false;
    if (!take(r, ',') || !read_text_or_null(r, &c->document)) return false;
    if (!take(r, ',') || !read_text(r, &c->body)) return false;
    if (!take(r, ',') || !read_number(r, &c->start)) return false;
    if (!take(r, ',') || !read_number(r, &c->stop)) return false;
    if (!take(r, ',') || !read_text_or_null(r, &c->source)) return false;
    if (!take(r, ',') || !read_text(r, &c->headings) || !take(r, ',')) return false;
    c->has_page = !take_null(r);
    if (c->has_page && !read_number(r, &c->page)) return false;
    if (!take(r, ',') || !read_text(r, &c->metadata)) return false;
    return take(r, ',') && read_text(r, &c->digest) && take(r, ']');
}

/* ---- the checksum ---- */

static size_t characters(const text *t) {
    size_t count = 0;
    for (size_t i = 0; i < t->size; i++) count += (t->bytes[i] & 0xC0) != 0x80;
    return count;
}

static char *put_text(char *to, const char *what) {
    while (*what) *to++ = *what++;
    return to;
}

static char *put_number(char *to, int64_t value) {
    char digits[20];
    int count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0) *to++ = '-';
    do digits[count++] = (char)('0' + left % 10);
    while (left /= 10);
    while (count) *to++ = digits[--count];
    return to;
}

/* What digest_of in rows.py computes. */
static bool is_whole(const columns *c) {
    const text *const parts[6] = {&c->id, &c->document, &c->source, &c->headings, &c->metadata, &c->body};
    char head[256], *to = head;
    for (int i = 0; i < 6; i++) {
        to = put_text(to, i ? ", " : "[");
        to = put_number(to, (int64_t)characters(parts[i]));
    }
    to = put_number(put_text(to, "] "), c->start);
    to = put_number(put_text(to, " "), c->stop);
    to = put_text(to, " ");
    to = put_text(c->has_page ? put_number(to, c->page) : put_text(to, "None"), " ");
    const size_t size = (size_t)(to - head);
    nfr_hash hash;
    nfr_hash_begin(&hash);
    nfr_hash_add(&hash, head, size);
    for (int i = 0; i < 6; i++) nfr_hash_add(&hash, parts[i]->bytes, parts[i]->size);
    uint8_t digest[16];
    nfr_hash_end(&hash, digest);
    if (c->digest.size != 32) return false;
    for (int i = 0; i < 16; i++)
        if (digest[i] != 16 * hexadecimal(c->digest.bytes[2 * i]) + hexadecimal(c->digest.bytes[2 * i + 1]))
            return false;
    return true;
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
    object *made = spelt ? p->real(spelt) : NULL;
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
    const bool good = p->set(chunk, p->names[field], value) == 0;
    p->drop(value);
    return good;
}

static object *chunk_object(const nfr_python *p, const columns *c, uint8_t *spare) {
    object *chunk = p->instance(p->type, 0);
    if (!chunk) return NULL;
    reader headings = {c->headings.bytes, c->headings.bytes + c->headings.size, spare};
    reader metadata = {c->metadata.bytes, c->metadata.bytes + c->metadata.size, spare};
    const bool good =
        set(p, chunk, 0, text_object(p, &c->id)) && set(p, chunk, 1, text_object(p, &c->document)) &&
        set(p, chunk, 2, text_object(p, &c->body)) && set(p, chunk, 3, p->number(c->start)) &&
        set(p, chunk, 4, p->number(c->stop)) && set(p, chunk, 5, text_object(p, &c->source)) &&
        set(p, chunk, 6, read_list(p, &headings, true)) && headings.at == headings.end &&
        set(p, chunk, 7, c->has_page ? p->number(c->page) : kept(p, p->none)) &&
        set(p, chunk, 8, read_fields(p, &metadata));
    if (good) return chunk;
    p->drop(chunk);
    return NULL;
}

/* ---- the whole ---- */

static ptrdiff_t read_rows(reader *r, columns *found, ptrdiff_t most) {
    ptrdiff_t count = 0;
    if (!take(r, '[')) return -1;
    if (take(r, ']')) return r->at == r->end ? 0 : -1;
    do {
        if (count == most || !read_columns(r, &found[count])) return -1;
        columns *c = &found[count++];
        if (!c->document.bytes) c->document = c->id; /* the chunk is its whole document */
        if (!c->source.bytes) c->source = (text){(const uint8_t *)"", 0};
        if (!is_whole(c)) return -1;
    } while (take(r, ','));
    return take(r, ']') && r->at == r->end ? count : -1;
}

object *nfr_chunks(const nfr_python *python, const uint8_t *json, ptrdiff_t size,
                   const int64_t *rows, const int64_t *slots, ptrdiff_t count) {
    columns *found = malloc((size_t)(count + 1) * sizeof *found);
    uint8_t *spare = malloc(2 * (size_t)size + 2);
    object *list = NULL;
    if (found && spare) {
        reader r = {json, json + size, spare};
        const ptrdiff_t there = read_rows(&r, found, count);
        list = there < 0 ? NULL : python->list(count);
        ptrdiff_t at = 0;
        for (ptrdiff_t i = 0; list && i < count; i++) {
            ptrdiff_t seen = 0;
            while (seen < there && found[at < there ? at : (at = 0)].row != rows[i]) at++, seen++;
            object *chunk = NULL;
            if (seen < there && found[at].slot == slots[i])
                chunk = chunk_object(python, &found[at], r.spare);
            if (chunk && python->list_set(list, i, chunk) == 0) continue;
            python->drop(list);
            list = NULL;
        }
    }
    free(found);
    free(spare);
    if (list) return list;
    python->clear();
    return kept(python, python->none);
}
