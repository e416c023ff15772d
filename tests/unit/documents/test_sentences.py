"""Sentence boundaries in many languages, by example and by property."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.documents.sentences import spans

# (language, sentences, what joins them)
EXAMPLES = [
    ("en", ["Dr. Smith went to Washington D.C. on Jan. 5.", "He paid $3.50 for it."], " "),
    ("en", ['"Stop!" he cried.', "She did not."], " "),
    ("en", ['He said, "Go now."', "Then he left."], " "),
    ("en", ["See https://example.com/a.b?c=d. for more, e.g. the docs (cf. Fig. 3).", "Ok."], " "),
    ("en", ["J. R. R. Tolkien wrote it.", "It sold well!", "Did it?", "Yes…", "Really."], " "),
    ("en", ["She works at Yahoo! in Sunnyvale.", "It is approx. 5 km away."], " "),
    ("en", ["Smith et al. (2004) showed this.", "Others disagreed."], " "),
    ("en", ["Wait... what did you say?", "Nothing."], " "),
    ("en", ["(This is aside.)", "This is not."], " "),
    ("en", ["as of december 31, 2017, there were credits.", "one was set up.", "it expires."], " "),
    ("en", ["The game began in 2010 , carrying over work .", "It kept the features ."], " "),
    ("en", ["I was born in 1990.", "The year was good."], " "),
    ("en", ["What?!", "No way!!!", "Ok."], " "),
    ("en", ["He lives in St. Louis.", "No. 5 is alive.", "Is it?", "No."], " "),
    ("en", ["Python 3.11 is out.", "Use node.js or a .env file."], " "),
    ("de", ["Am 3. Mai kam er an.", "Es regnete."], " "),
    ("de", ["Das ist z. B. Berlin oder bzw. Hamburg.", "Im 19. Jahrhundert war es anders."], " "),
    ("de", ["Dr. med. Müller sagte: „Halt!“", "Dann ging er."], " "),
    ("de", ["»Halt!« rief er.", "»Warum?«", "Keine Antwort."], " "),
    ("fr", ["« Bonjour ! » dit-il.", "« Quoi ? »", "Il partit."], " "),
    ("fr", ["M. Dupont habite ici.", "Mme. Durand aussi."], " "),
    ("es", ["¿Cómo estás?", "¡Muy bien!", "El Sr. López llegó.", "¿qué?"], " "),
    ("it", ["Il sig. Rossi è qui.", "Perché?"], " "),
    ("pt", ["O Dr. Silva chegou.", "São 3.500 reais."], " "),
    ("pl", ["Mieszkam na ul. Długiej.", "To jest np. dom."], " "),
    ("cs", ["Dne 3. května přišel.", "Bylo 5. hodin."], " "),
    ("tr", ["Bu bir cümledir.", "İkinci cümle!"], " "),
    ("vi", ["Tôi là sinh viên.", "Bạn khỏe không?"], " "),
    ("ru", ["Это А. С. Пушкин.", "Он родился в 1799 г. в Москве.", "«Да!» — сказал он."], " "),
    ("el", ["Τι κάνεις;", "Καλά, ευχαριστώ.", "Εσύ\u037e"], " "),
    ("he", ["שלום עולם.", "מה שלומך?"], " "),
    ("ar", ["كيف حالك؟", "أنا بخير.", "شكرا."], " "),
    ("ur", ["یہ کیا ہے؟", "یہ کتاب ہے۔", "ٹھیک ہے۔"], " "),
    ("hi", ["यह एक वाक्य है।", "डॉ. शर्मा आए।", "क्या?"], " "),
    ("bn", ["আমি ভাত খাই।", "তুমি কি খাও?", "ডা. রহমান এলেন।"], " "),
    ("zh", ["今天天气很好。", "我们去公园吧！", "你说什么？", "他说：“好的。”", "然后走了。"], ""),
    ("zh", ["第一章", "今天天气很好，我们一起去公园散步，然后回家吃饭，看电视。"], "\n"),
    ("ja", ["「はい。」と言った。", "本当ですか？", "本当です！", "（終わり。）", "次へ。"], ""),
    ("ko", ["안녕하세요.", "잘 지내요?", "네!"], " "),
    ("th", ["วันนี้อากาศดีมากและเราจะไปเที่ยวที่สวนสาธารณะ", "พรุ่งนี้ฝนจะตกหนักมาก"], " "),
    ("th", ["ฉันรักเธอ", "เธอรักฉัน"], "\n\n"),
    ("km", ["ខ្ញុំស្រឡាញ់អ្នក។", "អ្នកស្រឡាញ់ខ្ញុំ។"], " "),
    ("hy", ["Սա նախադասություն է։", "Սա երկրորդն է։"], " "),
    ("am", ["ይህ ዓረፍተ ነገር ነው።", "ይህ ሁለተኛው ነው።"], " "),
    ("my", ["ကျွန်တော် ကျောင်းသွားသည်။", "သူ အိမ်ပြန်သည်။"], " "),
    ("bo", ["ང་བོད་པ་ཡིན།", "ཁྱེད་རང་སུ་ཡིན།"], " "),
]  # fmt: skip

LAYOUTS = [
    ("list", ["1. First item here.", "2. Second item here.", "3. Third."], "\n"),
    ("bullets", ["Shopping:", "- milk", "- eggs and bread", "- more"], "\n"),
    ("heading", ["A heading", "The body text."], "\n\n"),
    ("markdown", ["# A heading", "The body text that goes on."], "\n"),
    ("table", ["| a | b |", "| c | d |"], "\n"),
    ("crlf", ["A heading", "The body text."], "\r\n\r\n"),
    ("form feed", ["end of a page", "another page"], "\f"),
    ("paragraph separator", ["one thing", "another thing"], "\u2029"),
    (
        "indented paragraph",
        ["The first paragraph goes on for a while and ends", "Here the next one begins"],
        "\n    ",
    ),
    (
        "hard wrap",
        [
            "The quick brown fox jumps over the lazy dog and then it goes on\n"
            "to the river, where Peter waits for a very long time with\n"
            "Mary and the others.",
            "They leave.",
        ],
        " ",
    ),
]


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in spans(text)]


@pytest.mark.parametrize(("kind", "sentences", "joint"), EXAMPLES + LAYOUTS)
def test_examples(kind: str, sentences: list[str], joint: str) -> None:
    assert cut(joint.join(sentences)) == sentences


def test_each_language_alone_and_after_another() -> None:
    # No language is guessed for a whole text: what came before changes nothing.
    for _, sentences, joint in EXAMPLES:
        text = joint.join(sentences)
        assert cut(f"{text}\n\nAnd this.\n\n{text}") == [*sentences, "And this.", *sentences]


def test_accent_of_a_mark_stays_with_it() -> None:
    assert cut("好。\ufe00对。") == ["好。\ufe00对。"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u3000\x1c\x85"])
def test_nothing(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize("text", [".", "...", "。", "\x00", "?!", "\udc80", "a", "·"])
def test_single_marks(text: str) -> None:
    assert spans(f" {text} ") == [(1, 1 + len(text))]


ALPHABET = st.sampled_from(
    'aB1 .!?…,;:"«»()\n\r\t\x0c\x85\u2028\u2029-#|漢。？」とกΤ;।։\u0301\u200b\x00'
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(ALPHABET, max_size=80), st.text(max_size=40)))
def test_properties(text: str) -> None:
    found = spans(text)
    for start, end in found:
        assert text[start:end] == text[start:end].strip() != ""
        # A blank line always separates.
        assert not re.search(r"\n[ \t]*\n", text[start:end])
    for (_, end), (start, _) in pairwise(found):
        assert end <= start
    covered = {place for start, end in found for place in range(start, end)}
    assert all(place in covered or text[place].isspace() for place in range(len(text)))
    assert spans(text) == found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([s for _, parts, joint in EXAMPLES for s in [joint.join(parts)]]),
        max_size=4,
    )
)
def test_paragraphs_are_cut_apart_from_each_other(paragraphs: list[str]) -> None:
    together = cut("\n\n".join(paragraphs))
    assert together == [sentence for paragraph in paragraphs for sentence in cut(paragraph)]
