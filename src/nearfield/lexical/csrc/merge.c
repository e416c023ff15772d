/* Neighbouring segments to one: the postings of a term follow each other. */
#include "packing.h"
#include "sections.h"

#define NONE UINT32_MAX

/* One segment, and how far it has been merged. */
typedef struct {
    const nfl_source *held;
    uint32_t offset;   /* of its slots in the merged segment */
    uint64_t key, spelt; /* next key and next spelling */
    uint32_t *ranks;   /* rank of each key in the merged segment, NONE where it went */
} part;

typedef struct {
    part *parts;
    int64_t count;
    const uint32_t *targets; /* new numbers of slots, NONE for those that go; or NULL */
    bool with_positions;
    uint32_t *slots, *frequencies; /* postings of the present term */
    uint32_t *places;              /* where the positions of each begin, from the term's on */
    size_t used, room;
    bool no_memory;
} merger;

static bool make_room(merger *m, size_t more) {
    if (m->room - m->used >= more) return true;
    const size_t room = nfl_more(m->room, m->used + more);
    uint32_t *slots = realloc(m->slots, room * sizeof *slots);
    if (slots != NULL) m->slots = slots;
    uint32_t *frequencies = realloc(m->frequencies, room * sizeof *frequencies);
    if (frequencies != NULL) m->frequencies = frequencies;
    uint32_t *places = realloc(m->places, (room + 1) * sizeof *places);
    if (places != NULL) m->places = places;
    if (slots == NULL || frequencies == NULL || places == NULL) return !(m->no_memory = true);
    m->room = room;
    return true;
}

static bool read_number(const uint8_t **at, const uint8_t *end, uint32_t *value) {
    uint32_t number = 0;
    for (uint32_t shift = 0; shift < 35 && *at < end; shift += 7) {
        const uint8_t byte = *(*at)++;
        number |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *value = number;
            return true;
        }
    }
    return false;
}

/* Unpack block `row` of a segment behind the postings there are; false where it is damaged. */
static bool read_block(merger *m, const nfl_segment *s, const uint32_t *row, uint32_t before,
                       uint32_t offset) {
    const uint32_t bits = row[3] & 255, more = row[3] >> 8;
    const uint64_t end = row[4] + (uint64_t)(bits + (uint64_t)more) * PACKED_LANES;
    if (bits > 32 || more > 32 || end > s->word_count) return false;
    uint32_t *slots = m->slots + m->used, *frequencies = m->frequencies + m->used;
    nfl_unpack(s->words + row[4], bits, slots);
    nfl_unpack(s->words + row[4] + (size_t)bits * PACKED_LANES, more, frequencies);
    for (int i = 0; i < PACKED_BLOCK; i++) {
        slots[i] += i < PACKED_LANES ? before : slots[i - PACKED_LANES];
        frequencies[i]++;
    }
    for (int i = 0; i < PACKED_BLOCK; i++) {
        if (slots[i] >= s->slots || frequencies[i] == 0) return false;
        if (slots[i] < before || (i && slots[i] <= slots[i - 1])) return false;
    }
    if (slots[PACKED_BLOCK - 1] != row[0]) return false;
    for (int i = 0; i < PACKED_BLOCK; i++) slots[i] += offset;
    m->used += PACKED_BLOCK;
    return true;
}

static bool read_tail(merger *m, const nfl_segment *s, const uint8_t *at, const uint8_t *end,
                      uint32_t count, uint32_t before, uint32_t offset) {
    uint64_t slot = before;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t gap, frequency = 1;
        if (!read_number(&at, end, &gap)) return false;
        if ((gap & 1) && !read_number(&at, end, &frequency)) return false;
        slot += gap >> 1;
        if (slot >= s->slots || frequency == 0) return false;
        m->slots[m->used] = (uint32_t)slot + offset;
        m->frequencies[m->used++] = frequency;
    }
    return at == end;
}

/* Append the positions of postings [from, used), and take out the postings of slots that go. */
static bool keep(merger *m, nfl_sections *out, const part *p, const uint32_t *row, size_t from) {
    const uint8_t *at = p->held->positions + row[3], *end = p->held->positions + row[7];
    if (m->targets == NULL) {
        if (!m->with_positions || nfl_bytes_add(&out->positions, at, (size_t)(end - at))) return true;
        return !(m->no_memory = true);
    }
    size_t kept = from;
    for (size_t i = from; i < m->used; i++) {
        const uint8_t *begin = at;
        for (uint32_t left = m->with_positions ? m->frequencies[i] : 0, value; left; left--)
            if (!read_number(&at, end, &value)) return false;
        const uint32_t target = m->targets[m->slots[i]];
        if (target == NONE) continue;
        m->places[kept] = (uint32_t)(out->positions.used - out->marked);
        if (!nfl_bytes_add(&out->positions, begin, (size_t)(at - begin)))
            return !(m->no_memory = true);
        m->slots[kept] = target;
        m->frequencies[kept++] = m->frequencies[i];
    }
    m->used = kept;
    return !m->with_positions || at == end;
}

typedef struct {
    uint32_t slot, frequency, place, size;
} posting;

static int by_slot(const void *first, const void *second) {
    const uint32_t a = ((const posting *)first)->slot, b = ((const posting *)second)->slot;
    return (a > b) - (a < b);
}

/* Put the postings of a term in the order of their new slots, where they are not. */
static bool put_in_order(merger *m, nfl_sections *out) {
    size_t i = 1;
    while (i < m->used && m->slots[i - 1] < m->slots[i]) i++;
    if (m->targets == NULL || i >= m->used) return true;
    const size_t size = out->positions.used - out->marked;
    posting *list = malloc(m->used * sizeof *list);
    uint8_t *bytes = malloc(size + 1);
    const bool there = list != NULL && bytes != NULL;
    if (there) {
        uint8_t *positions = out->positions.data + out->marked;
        if (size) memcpy(bytes, positions, size);
        m->places[m->used] = (uint32_t)size;
        for (i = 0; i < m->used; i++)
            list[i] = (posting){m->slots[i], m->frequencies[i], m->places[i],
                                m->places[i + 1] - m->places[i]};
        qsort(list, m->used, sizeof *list, by_slot);
        for (i = 0; i < m->used; i++) {
            m->slots[i] = list[i].slot;
            m->frequencies[i] = list[i].frequency;
            if (list[i].size) memcpy(positions, bytes + list[i].place, list[i].size);
            positions += list[i].size;
        }
    }
    free(list);
    free(bytes);
    return there || !(m->no_memory = true);
}

/* Append the postings of the next key of a part; false where they make no sense. */
static bool read_postings(merger *m, nfl_sections *out, const part *p) {
    const nfl_segment *s = &p->held->segment;
    const uint32_t *row = p->held->terms + 4 * p->key; /* the next one's stands behind it */
    const uint32_t count = row[0], full = count / PACKED_BLOCK;
    if (count == 0 || count > s->slots || (uint64_t)row[1] + full > s->block_count) return false;
    if (row[2] > row[6] || row[6] > s->tail_bytes) return false;
    if (m->with_positions && (row[3] > row[7] || row[7] > p->held->position_bytes)) return false;
    if (!make_room(m, (size_t)count + PACKED_BLOCK)) return false;
    const size_t from = m->used;
    uint32_t before = 0;
    for (uint32_t i = 0; i < full; i++) {
        const uint32_t *block = s->blocks + 5 * ((size_t)row[1] + i);
        if (!read_block(m, s, block, before, p->offset)) return false;
        before = block[0];
    }
    const uint8_t *tails = s->tails;
    return read_tail(m, s, tails + row[2], tails + row[6], count % PACKED_BLOCK, before,
                     p->offset) &&
           keep(m, out, p, row, from);
}

static const uint8_t *string_of(const uint8_t *bytes, const uint32_t *ends, uint64_t place,
                                size_t *length) {
    *length = ends[place + 1] - ends[place];
    return bytes + ends[place];
}

static int compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length) {
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static const uint8_t *next_of(const part *p, bool surfaces, size_t *length) {
    const nfl_source *h = p->held;
    if (surfaces) return string_of(h->surfaces, h->surface_ends, p->spelt, length);
    return string_of(h->keys, h->key_ends, p->key, length);
}

static bool is_left(const part *p, bool surfaces) {
    return surfaces ? p->spelt < p->held->surface_count : p->key < p->held->key_count;
}

/* The least of the parts' next keys or spellings, or NULL behind the last; and whose it is. */
static const uint8_t *least_of(const merger *m, bool surfaces, size_t *length, bool *whose) {
    const uint8_t *least = NULL;
    int64_t first = 0;
    for (int64_t i = 0; i < m->count; i++) {
        whose[i] = false;
        if (!is_left(&m->parts[i], surfaces)) continue;
        size_t own;
        const uint8_t *string = next_of(&m->parts[i], surfaces, &own);
        const int order = least ? compare(string, own, least, *length) : -1;
        if (order > 0) continue;
        if (order < 0) {
            for (; first < i; first++) whose[first] = false;
            least = string;
            *length = own;
        }
        whose[i] = true;
    }
    return least;
}

static bool merge_terms(merger *m, nfl_sections *out, const uint32_t *lengths, bool *whose) {
    size_t length;
    const uint8_t *key;
    while ((key = least_of(m, false, &length, whose)) != NULL) {
        m->used = 0;
        for (int64_t i = 0; i < m->count; i++)
            if (whose[i] && !read_postings(m, out, &m->parts[i])) return false;
        if (!put_in_order(m, out)) return false;
        const uint32_t rank = m->used ? (uint32_t)(out->terms.used / 4) : NONE;
        for (int64_t i = 0; i < m->count; i++)
            if (whose[i]) m->parts[i].ranks[m->parts[i].key++] = rank;
        const nfl_postings postings = {m->slots, m->frequencies, m->used};
        if (m->used && !nfl_sections_term(out, key, length, &postings, lengths))
            return !(m->no_memory = true);
    }
    return nfl_sections_finish(out) || !(m->no_memory = true);
}

static bool merge_surfaces(merger *m, nfl_sections *out, bool *whose) {
    size_t length;
    const uint8_t *spelt;
    while ((spelt = least_of(m, true, &length, whose)) != NULL) {
        uint32_t term = NONE;
        for (int64_t i = 0; i < m->count; i++) {
            if (!whose[i]) continue;
            part *p = &m->parts[i];
            const uint32_t rank = p->held->surface_terms[p->spelt++];
            if (rank >= p->held->key_count) return false;
            if (p->ranks[rank] != NONE) term = p->ranks[rank]; /* the last one's word */
        }
        if (term != NONE && !nfl_sections_surface(out, spelt, length, term))
            return !(m->no_memory = true);
    }
    return true;
}

static bool are_strings(const uint32_t *ends, uint64_t count, uint64_t bytes) {
    for (uint64_t i = 0; i < count; i++)
        if (ends[i] > ends[i + 1]) return false;
    return ends[count] <= bytes;
}

static bool begin(merger *m, const nfl_source *sources) {
    for (int64_t i = 0; i < m->count; i++) {
        const nfl_source *held = &sources[i];
        part *p = &m->parts[i];
        p->held = held;
        p->offset = (uint32_t)(held->segment.first_slot - sources[0].segment.first_slot);
        p->ranks = malloc((held->key_count + 1) * sizeof *p->ranks);
        if (p->ranks == NULL) return !(m->no_memory = true);
        if (!are_strings(held->key_ends, held->key_count, held->key_bytes)) return false;
        if (!are_strings(held->surface_ends, held->surface_count, held->surface_bytes))
            return false;
    }
    return true;
}

int32_t nfl_merge(const nfl_source *sources, int64_t count, const uint32_t *lengths,
                  const uint32_t *targets, int32_t with_positions, nfl_sections **merged) {
    merger m = {.count = count, .targets = targets, .with_positions = with_positions != 0};
    m.parts = calloc((size_t)count, sizeof *m.parts);
    bool *whose = calloc((size_t)count, sizeof *whose);
    nfl_sections *out = nfl_sections_new();
    m.no_memory = !m.parts || !whose || !out;
    const bool done = !m.no_memory && begin(&m, sources) &&
                      merge_terms(&m, out, lengths, whose) && merge_surfaces(&m, out, whose);
    for (int64_t i = 0; m.parts && i < count; i++) free(m.parts[i].ranks);
    free(m.parts);
    free(whose);
    free(m.slots);
    free(m.frequencies);
    free(m.places);
    if (!done) nfl_sections_free(out);
    *merged = done ? out : NULL;
    return done ? NFL_OK : m.no_memory ? NFL_OUT_OF_MEMORY : NFL_DAMAGED;
}
