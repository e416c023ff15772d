/* Rows from SQLite: those of one state, read in one transaction without Python's lock. */
#include <stdlib.h>
#include <string.h>

#include "columns.h"

enum { ROW = 100, DONE = 101 };                         /* SQLITE_ROW, SQLITE_DONE */
enum { INTEGER = 1, TEXT = 3, BLOB = 4, NOTHING = 5 };  /* types of values */
enum { READ_ONLY = 0x1, URI = 0x40, NO_MUTEX = 0x8000 };
enum { READ, MOVED, STRANGE };
enum { BLOCK = 1 << 16, WAIT_MILLISECONDS = 30000 };

/* Copies of texts; what SQLite shows is gone with the next row. */
typedef struct block {
    struct block *next;
    size_t used, size;
    uint8_t bytes[];
} block;

struct nfr_reader {
    const nfr_sqlite *sqlite;
    void *database, *begin, *commit, *sequence, *row;
    block *texts;
    columns *found;
    ptrdiff_t room;
};

int32_t nfr_abi_version(void) { return NFR_ABI_VERSION; }

static void forget(nfr_reader *r) {
    block *each = r->texts;
    while (each && (each->next || each->size > BLOCK)) { /* one of the usual size stays */
        block *next = each->next;
        free(each);
        each = next;
    }
    if (each) each->used = 0;
    r->texts = each;
}

static const uint8_t *copied(nfr_reader *r, const void *bytes, size_t size) {
    if (!r->texts || r->texts->size - r->texts->used < size) {
        const size_t room = size < BLOCK ? BLOCK : size;
        block *more = malloc(sizeof *more + room);
        if (!more) return NULL;
        *more = (block){r->texts, 0, room};
        r->texts = more;
    }
    uint8_t *place = r->texts->bytes + r->texts->used;
    if (size) memcpy(place, bytes, size);
    r->texts->used += size;
    return place;
}

static bool take_whole(const nfr_reader *r, int column, int64_t *out) {
    if (r->sqlite->type(r->row, column) != INTEGER) return false;
    *out = r->sqlite->whole(r->row, column);
    return true;
}

static bool take_text(nfr_reader *r, int column, text *out) {
    if (r->sqlite->type(r->row, column) != TEXT) return false;
    const uint8_t *bytes = r->sqlite->text(r->row, column); /* before its length is asked for */
    out->size = (size_t)r->sqlite->bytes(r->row, column);
    out->bytes = bytes ? copied(r, bytes, out->size) : NULL;
    return out->bytes != NULL;
}

static bool take_text_or(nfr_reader *r, int column, text *out, text otherwise) {
    *out = otherwise;
    return r->sqlite->type(r->row, column) == NOTHING || take_text(r, column, out);
}

static bool take_row(nfr_reader *r, columns *c, int64_t slot) {
    const nfr_sqlite *s = r->sqlite;
    int64_t stands;
    c->has_page = s->type(r->row, 8) != NOTHING;
    c->page = 0;
    const bool good =
        take_whole(r, 0, &stands) && stands == slot && take_text(r, 1, &c->id) &&
        take_text_or(r, 2, &c->document, c->id) /* the chunk is its whole document */ &&
        take_text(r, 3, &c->body) && take_whole(r, 4, &c->start) && take_whole(r, 5, &c->stop) &&
        take_text_or(r, 6, &c->source, (text){(const uint8_t *)"", 0}) &&
        take_text(r, 7, &c->headings) && (!c->has_page || take_whole(r, 8, &c->page)) &&
        take_text(r, 9, &c->metadata) && s->type(r->row, 10) == BLOB;
    if (!good) return false;
    const uint8_t *digest = s->blob(r->row, 10);
    return digest && s->bytes(r->row, 10) == 16 && nfr_is_whole(c, digest);
}

static int read_state(nfr_reader *r, int64_t sequence) {
    const nfr_sqlite *s = r->sqlite;
    int found = STRANGE;
    if (s->step(r->sequence) == ROW && s->type(r->sequence, 0) == INTEGER)
        found = s->whole(r->sequence, 0) == sequence ? READ : MOVED;
    s->reset(r->sequence);
    return found;
}

static int read_rows(nfr_reader *r, int64_t sequence, const int64_t *rows, const int64_t *slots,
                     ptrdiff_t count) {
    const nfr_sqlite *s = r->sqlite;
    int found = read_state(r, sequence);
    for (ptrdiff_t i = 0; found == READ && i < count; i++) {
        const bool good = s->bind(r->row, 1, rows[i]) == 0 && s->step(r->row) == ROW &&
                          take_row(r, &r->found[i], slots[i]);
        s->reset(r->row);
        if (!good) found = STRANGE;
    }
    return found;
}

static int read_all(nfr_reader *r, int64_t sequence, const int64_t *rows, const int64_t *slots,
                    ptrdiff_t count) {
    const nfr_sqlite *s = r->sqlite;
    forget(r);
    if (count > r->room) {
        columns *more = realloc(r->found, (size_t)count * sizeof *more);
        if (!more) return STRANGE;
        r->found = more;
        r->room = count;
    }
    int found = STRANGE;
    if (s->step(r->begin) == DONE) found = read_rows(r, sequence, rows, slots, count);
    s->reset(r->begin);
    if (s->step(r->commit) != DONE) s->run(r->database, "ROLLBACK", NULL, NULL, NULL);
    s->reset(r->commit);
    return found;
}

/* ---- objects ---- */

static bool set(const nfr_python *p, object *hit, int field, object *value) {
    if (!value) return false;
    const bool good = p->set(hit, p->hit_names[field], value) == 0;
    p->drop(value);
    return good;
}

static object *kept(const nfr_python *p, object *any) {
    p->keep(any);
    return any;
}

static object *hit_object(const nfr_python *p, const columns *c, float score, long long rank, object *path) {
    object *hit = p->instance(p->hit, 0);
    if (!hit) return NULL;
    if (set(p, hit, 0, nfr_chunk(p, c)) && set(p, hit, 1, p->real(score)) &&
        set(p, hit, 2, p->number(rank)) && set(p, hit, 3, kept(p, path)) && set(p, hit, 4, p->dict()) &&
        set(p, hit, 5, kept(p, p->none)))
        return hit;
    p->drop(hit);
    return NULL;
}

object *nfr_fetch(const nfr_python *p, nfr_reader *r, int64_t sequence, const int64_t *rows,
                  const int64_t *slots, ptrdiff_t count, const float *scores, object *path) {
    void *thread = p->unlock();
    const int found = read_all(r, sequence, rows, slots, count);
    p->lock(thread);
    if (found == MOVED) return kept(p, p->no);
    object *list = found == READ ? p->list(count) : NULL;
    for (ptrdiff_t i = 0; list && i < count; i++) {
        const columns *c = &r->found[i];
        object *item = scores ? hit_object(p, c, scores[i], i + 1, path) : nfr_chunk(p, c);
        if (item && p->list_set(list, i, item) == 0) continue;
        p->drop(list);
        list = NULL;
    }
    if (list) return list;
    p->clear();
    return kept(p, p->none);
}

/* ---- opening ---- */

static bool holds(nfr_reader *r, const uint8_t collection[16]) {
    const nfr_sqlite *s = r->sqlite;
    void *asked = NULL;
    bool same = false;
    if (s->prepare(r->database, "SELECT value FROM meta WHERE key = 'collection'", -1, &asked, NULL) == 0 &&
        s->step(asked) == ROW && s->type(asked, 0) == BLOB) {
        const void *found = s->blob(asked, 0);
        same = found && s->bytes(asked, 0) == 16 && memcmp(found, collection, 16) == 0;
    }
    s->finalize(asked);
    return same;
}

nfr_reader *nfr_open(const nfr_sqlite *s, const char *uri, const char *settings,
                     const uint8_t collection[16], const char *sequence, const char *row) {
    nfr_reader *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->sqlite = s;
    if (s->open(uri, &r->database, READ_ONLY | URI | NO_MUTEX, NULL) == 0 &&
        s->wait(r->database, WAIT_MILLISECONDS) == 0 &&
        s->run(r->database, settings, NULL, NULL, NULL) == 0 && holds(r, collection) &&
        s->prepare(r->database, "BEGIN", -1, &r->begin, NULL) == 0 &&
        s->prepare(r->database, "COMMIT", -1, &r->commit, NULL) == 0 &&
        s->prepare(r->database, sequence, -1, &r->sequence, NULL) == 0 &&
        s->prepare(r->database, row, -1, &r->row, NULL) == 0)
        return r;
    nfr_close(r);
    return NULL;
}

void nfr_close(nfr_reader *r) {
    void *const statements[] = {r->begin, r->commit, r->sequence, r->row};
    for (int i = 0; i < 4; i++) r->sqlite->finalize(statements[i]); /* NULL is fine */
    if (r->database) r->sqlite->close(r->database);
    while (r->texts) {
        block *next = r->texts->next;
        free(r->texts);
        r->texts = next;
    }
    free(r->found);
    free(r);
}
