import pytest

from nearfield.errors import InputError
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.stemming import Language
from nearfield.lexical.words import analyse


def terms(text, language=Language.AUTO):
    """Terms with their positions, as an index sees them."""
    found = Analyzer(language).occurrences([text])
    pairs = zip(found.term.tolist(), found.position.tolist(), strict=True)
    return [(found.terms[term], position) for term, position in pairs], int(found.lengths[0])


def test_words_lose_case_marks_and_endings():
    found, length = terms("The RÉSUMÉS, resumes!")
    assert found == [("the", 0), ("resum", 1), ("resum", 2)]
    assert length == 3


def test_full_width_letters_and_ligatures_have_one_form():
    assert terms("Ｔｏｋｙｏ ﬁsh")[0] == [("tokyo", 0), ("fish", 1)]


@pytest.mark.parametrize(
    ("raw", "parts", "wholes"),
    [
        ("error_code", ("error", "code"), ("error_code",)),
        ("readFile", ("read", "file"), ("readfile",)),
        ("HTTPServer", ("http", "server"), ("httpserver",)),
        ("mRNA", ("mrna",), ()),
        ("pH", ("ph",), ()),
        ("os.path.join", ("os", "path", "join"), ("os.path.join",)),
        ("jo.doe@example.com", ("jo", "doe", "example", "com"), ("jo.doe@example.com",)),
        ("__init__", ("init",), ("__init__",)),
        ("e-mail", ("e", "mail"), ("email",)),
        ("COVID-19", ("covid", "19"), ("covid19",)),
        ("dog's", ("dog",), ()),
        ("dog’s", ("dog",), ()),
        ("don't", ("dont",), ()),
        ("l'eau", ("l", "eau"), ("leau",)),
        ("U.S.A", ("usa",), ()),
        ("1,000,000", ("1000000",), ()),
        ("3.14", ("3", "14"), ("3.14",)),
        ("a,b", ("a", "b"), ()),
        ("C++", ("c",), ("c++",)),
        ("C#", ("c",), ("c#",)),
        ("_", ("_",), ()),
        ("x" * 100, ("x" * 64,), ()),
    ],
)
def test_words_with_parts(raw, parts, wholes):
    word = analyse(raw, str.casefold)
    assert (word.parts, word.wholes) == (parts, wholes)
    assert word.width == len(parts)


def test_parts_take_positions_of_their_own():
    found, length = terms("the error_code is")
    assert found == [("the", 0), ("error", 1), ("code", 2), ("error_code", 1), ("is", 3)]
    assert length == 4


def test_scripts_without_spaces_become_pairs():
    found, length = terms("2024年の東京Tokyo")
    assert found == [("2024", 0), ("年の", 1), ("の東", 2), ("東京", 3), ("京", 4), ("tokyo", 5)]
    assert length == 6


def test_marks_stay_with_their_character():
    assert [t for t, _ in terms("ที่นี่")[0]] == ["ที่นี่", "นี่"]
    assert [t for t, _ in terms("हिन्दी", Language.NONE)[0]] == ["हिन्दी"]


def test_languages_have_their_endings():
    german = Analyzer(Language.GERMAN).words("Bücher Häuser")
    assert [word.parts[0] for word in german] == ["buch", "haus"]
    russian = Analyzer(Language.AUTO).words("игры игра")
    assert len({word.parts[0] for word in russian}) == 1


def test_empty_texts_have_no_positions():
    found = Analyzer().occurrences(["", "...", "a"])
    assert found.lengths.tolist() == [0, 0, 1]
    assert found.text.tolist() == [2]


def test_the_spec_names_language_and_stemmer():
    assert Analyzer(Language.NONE).spec == "nearfield-1 none none"
    assert Analyzer(Language.GERMAN).spec.startswith("nearfield-1 german snowball-")


def test_an_unknown_language_names_the_known():
    with pytest.raises(InputError, match=r"klingon.*german"):
        Language.of("klingon")
