"""Where sentences end, in any language, without knowing which language it is.

Modelled on the sentence rules of UAX #29 (Unicode Text Segmentation, section 5), with what
those leave to "tailoring": abbreviations, initials, ordinals, list markers, hard-wrapped
lines, quotations that go on, and scripts that separate sentences by spaces. The rules ask for
scripts, case and digits, never for a language; the few words that no such rule finds
stand in tables at the end of this file's first half. One pass, linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from unicodedata import category

__all__ = ["spans"]

# Marks that end a sentence only when what follows allows it.
_WEAK = ".․﹒．…‥!?‼‽⁇⁈⁉"
# Marks that always do: property Sentence_Terminal of Unicode 16, the weak ones left out,
# the Tibetan shad and the Greek question mark added.
_STRONG = (
    "\u037e\u0589\u061d\u061e\u061f\u06d4\u0700-\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965"
    "\u0f0d-\u0f11\u104b\u1362\u1367\u1368\u166e\u1735\u1736\u17d4\u17d5\u1803\u1809\u1944\u1945"
    "\u1aa8-\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1b7d-\u1b7f\u1c3b\u1c3c\u1c7e\u1c7f\u2cf9-\u2cfb\u2e2e"
    "\u2e3c\u2e53\u2e54\u3002\ua4ff\ua60e\ua60f\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f"
    "\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb\ufe12\ufe15\ufe16\ufe56\ufe57\uff01\uff1f\uff61"
    "\U00010a56\U00010a57\U00011047\U00011048\U000110be-\U000110c1\U00011141-\U00011143"
    "\U000111c5\U000111c6\U000111cd\U000111de\U000111df\U00011238\U00011239\U0001123b\U0001123c"
    "\U000112a9\U0001144b\U0001144c\U000115c2\U000115c3\U00011641\U00011642\U0001173c-\U0001173e"
    "\U00016a6e\U00016a6f\U00016af5\U00016b37\U00016b38\U0001da88"
)
_CLOSERS = "\"'”’»«›‹“‘)\\]}⟩〉》」』】〕〗〙〛）］｝｣＂＇*_`"
_OPENERS = "\"'“”„‚‘’«»‹›(\\[{⟨〈《「『【〔〖〘〚（［｛｢*_`~"
_NEWLINE = "\n\r\x0b\x85\u2028"
# Scripts written without spaces between words or sentences: a mark needs no space after it.
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
_THAI_LAO = "\u0e01-\u0e4e\u0e81-\u0edf"

_BLANK_LINE = re.compile(
    rf"(?:\r\n?|[\n\x0b\x85\u2028])[^\S{_NEWLINE}]*[{_NEWLINE}]\s*|[\f\x1c\x1d\u2029]\s*"
)
_CANDIDATE = re.compile(
    rf"(?P<mark>[{_WEAK}{_STRONG}]+[{_STRONG}{_WEAK}{_CLOSERS}]*(?:[ \u00a0\u202f][»›](?!\w))?"
    rf"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);[{_CLOSERS}]*)"
    rf"|(?P<line>\r\n?|[\n\x0b\x85\u2028])"
    rf"|(?<=[{_THAI_LAO}])[ \u00a0\u200b]+(?=[{_THAI_LAO}])"
)
_LEAD = re.compile(rf"[\s{_OPENERS}]{{0,8}}(?:[–—-]{{1,3}}\s*)?[{_OPENERS}]{{0,3}}")
_NEXT_WORD = re.compile(rf"[{_UNSPACED}]|\w{{1,40}}")
_SPACE = re.compile(r"\s*")
_STRONG_MARK = re.compile(rf"[{_STRONG};]")
_UNSPACED_LETTER = re.compile(rf"[{_UNSPACED}]")
_LIST_ITEM = re.compile(
    r"[ \t]*(?:[-*+•·‣◦▪●○■–—][ \t]|\(?(?:\d{1,3}|[A-Za-zА-я]|[ivxIVX]{1,5})[.)][ \t]"
    r"|#{1,6}[ \t]|\||```|~~~)"
)
_LIST_MARKER = re.compile(r"[\[(#\s]*(?:\d{1,3}(?:\.\d{1,3})*|\w|[ivxlIVXL]{1,5})")


def _words(table: Mapping[str, str]) -> frozenset[str]:
    return frozenset(word for line in table.values() for word in line.split())


# Words that are written with a full stop and stand before what they belong to.
_BEFORE_NAMES = _words(
    {
        "en": "mr mrs ms dr prof rev hon gen col capt cmdr lt sgt maj adm gov sen rep pres st mt "
        "ft messrs vs approx est dept univ viz eq eqs ref refs resp incl excl ph",
        "la": "cf al i.e e.g ca med habil phil",
        "de": "bzw vgl evtl ggf sog geb gest hrsg jh str inkl exkl zzgl bspw dipl ing fr hr mio "
        "mrd",
        "fr": "mme mlle mgr mm env éd cie",
        "es": "sr sra srta sres dra dn dña lic ud uds ej pág págs núm avda",
        "pt": "exmo exma",
        "it": "sig dott dott.ssa avv on gent",
        "nl": "dhr mevr ds bijv o.a blz",
        "nordic": "bl.a m.fl f.eks t.ex",
        "pl": "np tzw ul inż hab",
        "cs": "tzv např tř nám",
        "tr": "sok cad mah",
        "ru": "г гг ул им проф акад тов гр стр см рис табл др руб коп тыс млн млрд напр т.е т.к",
        "el": "κ κα δρ καθ",
        "hi": "डॉ श्री प्रो",
        "bn": "ডা মো",
    }
)
# Words that are written with a full stop and stand before a number.
_BEFORE_NUMBERS = _words(
    {
        "en": "no nos fig figs tab sec sect ch chap vol vols pp p pg art ver v eq",
        "months": "jan feb mar apr jun jul aug sep sept oct nov dec dez okt mär févr janv avr "
        "juil déc ene abr ago dic",
        "de": "nr nrn bd bl kap abb abschn ziff s abs anm rn",
        "fr": "n° nº arts tbl",
        "es": "cap capít fasc lám",
        "ru": "гл п пп ст №",
    }
)
# German writes ordinals as "3." and nouns with a capital: what comes before or after tells.
_BEFORE_ORDINALS = _words(
    {
        "articles": "der die das den dem des ein eine einen einem einer",
        "prepositions": "am im vom zum zur beim ab bis seit nach und",
        "pronouns": "jeder jede jeden dieser diesem diesen sein seine seinem seinen ihr ihre ihrem "
        "ihren",
    }
)
_AFTER_ORDINALS = _words(
    {
        "months": "januar jänner februar märz april mai juni juli august september oktober "
        "november dezember",
        "nouns": "jahrhundert jahrhunderts jahrtausend kapitel klasse auflage bundesliga",
    }
)
_SHORTEST_UNMARKED = 40  # characters before a space may end a Thai or Lao sentence
_WIDEST_WRAP = 160  # characters; nobody wraps prose by hand at more
_NARROWEST_WRAP = 40
_CASE_WINDOW = 300


def spans(text: str) -> list[tuple[int, int]]:
    """Sentence spans of a text in any language.

    Parameters
    ----------
    text : str
        Prose in any script; code, verse and lists come out as lines or groups of lines.

    Returns
    -------
    list of (int, int)
        Character offsets, half open, in order, disjoint, none empty. Together they cover
        every character that is not white space. A blank line always separates.

    Examples
    --------
    >>> text = 'Dr. No paid 3.50 to J. Bond. "Why?" he asked. 何ですか？はい。'
    >>> [text[start:end] for start, end in spans(text)]
    ['Dr. No paid 3.50 to J. Bond.', '"Why?" he asked.', '何ですか？', 'はい。']

    References
    ----------
    Unicode Standard Annex #29, Unicode Text Segmentation, section 5.
    """
    found: list[tuple[int, int]] = []
    for start, end in _blocks(text):
        previous = start
        for cut, resume in _cuts(text, start, end):
            found.append((previous, cut))
            previous = resume
        found.append((previous, end))
    return found


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Stretches between blank lines, without the white space around them."""
    position = 0
    for match in _BLANK_LINE.finditer(text):
        yield from _trimmed(text, position, match.start())
        position = match.end()
    yield from _trimmed(text, position, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    match = _SPACE.match(text, start, end)
    start = match.end() if match else start
    end = _rstrip(text, start, end)
    if start < end:
        yield start, end


def _rstrip(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _cuts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Each sentence end in the block, with the start of the sentence after it."""
    line_start, previous_length = start, 0
    for match in _CANDIDATE.finditer(text, start, end):
        kind = match.lastgroup
        after = match.end()
        if kind == "line":
            broken = match.start() >= start and _breaks_line(
                text, line_start, match.start(), after, end, previous_length
            )
            previous_length = match.start() - line_start
            line_start = after
            if not broken:
                continue
            cut = _rstrip(text, start, match.start())
        elif match.start() < start:
            continue
        elif kind == "mark":
            cut = after
        elif match.start() - start >= _SHORTEST_UNMARKED:
            yield match.start(), after
            start = after
            continue
        else:
            continue
        resume = _SPACE.match(text, after, end)
        resumed = resume.end() if resume else after
        if cut <= start or resumed >= end:
            continue
        if kind == "mark" and not _ends_sentence(text, (start, end), match.start(), after, resumed):
            continue
        yield cut, resumed
        start = resumed


def _ends_sentence(text: str, span: tuple[int, int], mark: int, after: int, resume: int) -> bool:
    """Whether the mark at `mark`, with its quotes up to `after`, ends a sentence.

    `span` reaches from the start of that sentence to the end of its paragraph.
    """
    spaced = resume > after
    if not spaced and _modifies(text[resume]):
        return False
    if _STRONG_MARK.search(text, mark, after):
        # 「はい。」と言った: a quotation that the sentence goes on to name.
        quoted = text[after - 1] in "」』”" and text[resume] in "とっ"
        # A Greek question mark that was typed as a semicolon.
        semicolon = text[mark] == ";" and (not spaced or text[resume].islower())
        return not quoted and not semicolon
    if not spaced and not (text[mark] in "!?…" and _UNSPACED_LETTER.match(text, resume)):
        return False
    if not _may_start(text, span, mark, resume):
        return False
    alone = text[mark] in ".․．﹒" and text[mark + 1 : mark + 2] not in tuple(".․．﹒!?")
    return not (alone and _belongs_to_word(text, span[0], mark, text[resume : resume + 40]))


def _modifies(character: str) -> bool:
    """Whether a character belongs to the one before: accents, selectors, joiners (rule SB5)."""
    kind = category(character)
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return kind[0] == "M" or (kind == "Cf" and character != "\u200b") or skin_tone


def _may_start(text: str, span: tuple[int, int], mark: int, resume: int) -> bool:
    """Whether what stands at `resume` can begin a sentence (rules SB8, SB8a)."""
    if text[resume] in "¿¡":
        return True
    if text[resume] in ",;:،؛、，":
        return False
    lead = _LEAD.match(text, resume)
    first = text[lead.end() : lead.end() + 1] if lead else text[resume]
    return not first.islower() or _caseless(text, span, mark)


def _caseless(text: str, span: tuple[int, int], mark: int) -> bool:
    """Whether a text does without capitals around a mark, so that case says nothing."""
    low, high = max(span[0], mark - _CASE_WINDOW), min(span[1], mark + _CASE_WINDOW)
    return text[low:high].islower()


def _belongs_to_word(text: str, start: int, dot: int, following: str) -> bool:
    """Whether a full stop is part of the word before it: initial, abbreviation, ordinal, marker."""
    before = text[max(start, dot - 40) : dot]
    if not before or before[-1].isspace():
        return False
    words = before.split()
    word = words[-1].lstrip("\"'“”„‚‘’«»‹›([{*_`~—–-/")
    if dot - start < 20 and _LIST_MARKER.fullmatch(text, start, dot):
        return True
    if word.isdigit():
        return _is_ordinal(word, words[-2] if len(words) > 1 else "", following)
    folded = word.casefold()
    if len(word) == 1 or folded in _BEFORE_NAMES:
        return word.isalpha() or folded in _BEFORE_NAMES
    if folded in _BEFORE_NUMBERS:
        return following[:1].isdigit() or following[:2].casefold() in ("ii", "iv", "vi", "ix", "xi")
    parts = word.split(".")
    return len(parts) > 1 and all(0 < len(part) <= 2 and part.isalpha() for part in parts)


def _is_ordinal(number: str, previous: str, following: str) -> bool:
    if len(number) > 2:
        return False
    following_word = _NEXT_WORD.match(following)
    return (following_word is not None and following_word[0].casefold() in _AFTER_ORDINALS) or (
        previous.casefold() in _BEFORE_ORDINALS and following[:1].isalpha()
    )


def _breaks_line(text: str, start: int, newline: int, after: int, end: int, before: int) -> bool:
    """Whether a single line break ends a sentence, or only wraps it.

    A line was wrapped when the next line's first word would not have fitted on it any more;
    the width is that of the longest neighbour.
    """
    length = newline - start
    if length > _WIDEST_WRAP or _LIST_ITEM.match(text, after, end):
        return True
    if text.startswith(("#", "|", "```", "~~~"), start):
        return True
    following = text.find("\n", after, end)
    following = end if following < 0 else following
    resume = _SPACE.match(text, after, end)
    first = resume.end() if resume else after
    indent = _SPACE.match(text, start, newline)
    if first - after > (indent.end() - start if indent else 0) and not _LIST_ITEM.match(
        text, start
    ):
        return True
    last = text[newline - 1] if newline > start else ""
    if first < end and text[first].islower() and (last.isalpha() or last in ",-‐"):
        return False
    width = max(before, length, min(following, after + _WIDEST_WRAP + 1) - after)
    if not _NARROWEST_WRAP <= width <= _WIDEST_WRAP:
        return True
    word = _NEXT_WORD.match(text, first, end)
    needed = length + 1 + (word.end() - word.start() if word else 1)
    return needed <= 0.9 * width
