from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.answers import MAX_LENGTH, key, keys, matches

SAME = [
    ["thirteen", "13", "13.0", "XIII", "26/2", r"\frac{26}{2}", "10 + 3", r"\boxed{13}", "$13$"],
    ["1,000", "1000", "1 000", "1e3", "10^3", "one thousand", "1K", "1.0 x 10^3", "10³"],
    ["0.005", "5e-3", "5e−3", "5e\u20113", "5 × 10^−3", "5 x 10^(\u20103)", "5 × 10⁻³"],
    ["0.75", "3/4", r"\frac34", "three quarters", ".75", "3 / 4"],
    ["$5 million", "5,000,000 dollars", "$5m", "US$5 million", "5 million USD"],
    ["1.5 hours", "90 minutes", "1 hour and 30 minutes", "90 min"],
    ["100 °C", "100 degrees Celsius", r"100^\circ C"],
    ["20 July 1969", "July 20, 1969", "1969-07-20", "the 20th of July, 1969"],
    ["George VI", "George the Sixth", "George 6", "george vi"],
    ["x + 1", "1+x", "$x+1$", r"\left(x + 1\right)"],
    ["(x-1)(x+1)", "x^2-1", "x² − 1", "x^{2} - 1"],
    ["2√2", r"2\sqrt{2}", r"\sqrt{8}", "sqrt(8)"],
    ["x > 3", "3 < x"],
    ["x ≥ 3", r"x \geq 3", "x >= 3"],
    [r"\{1, 2\}", r"\{2,1\}", "{1,2}"],
    ["C++", "c++"],
    ["C#", "C sharp"],
    ["Spider-Man", "spiderman", "Spider Man"],
    ["44 BC", "44 BCE"],
    ["1912 AD", "1912"],
    ["1986-2013", "from 1986 to 2013"],
    ["50 %", "50%", "50 percent", r"50\%"],
    ["1.5", "one and a half", "one-and-a-half", "one and one half", "1½"],
    ["2.75", "two and three quarters"],
    ["7/3", "two and a third", "two and one third"],
    ["-2.5", "minus two and a half", "-2 1/2"],
    ["1/5", "one fifth", "a fifth"],
    ["3.5 hours", "three and a half hours", "three hours and a half", "210 minutes"],
    ["90 minutes", "an hour and a half", "one and a half hours"],
    ["45 minutes", "three quarters of an hour"],
    ["500000", "half a million", "half million", "half of a million", "one half million"],
    ["1500000", "one and a half million", "a million and a half", "1 1/2 million"],
    ["250,000", "a quarter of a million", "a quarter million"],
    ["750,000", "3/4 million", "three quarters of a million"],
    ["$500 million", "half a billion dollars"],
    ["Łódź", "Lodz", "LODZ"],
    ["Ørsted", "Orsted", "Ǿrsted"],
    ["Diyarbakır", "Diyarbakir", "DİYARBAKIR"],
    ["Đà Nẵng", "Da Nang"],
    ["Æthelred", "Aethelred"],
    ["Guðrún Þórsdóttir", "Gudrun Thorsdottir"],
    ["1969", "١٩٦٩", "१९६९", "１９６９"],
    ["1.5 %", "١٫٥٪"],
    ["1986-2013", "١٩٨٦-٢٠١٣"],
    ["バン", "ﾊﾞﾝ"],
    ["पाँच दिन", "पाँचदिन"],
    ["Москва", "Москва\u0301"],
    ["Ёлка", "елка"],
    ["Ἑλλάς", "ελλας"],
    ["مُحَمَّد", "محمد"],
    ["שָׁלוֹם", "שלום"],
    ["Vitamin A", "vitamin a.", "VITAMIN A"],
    ["The A-Team", "A-Team", "the A Team"],
    ["Vitamins A and C", "vitamins a and c"],
    ["Xi'an", "Xian", "Xi’an"],
    ["rent-a-car", "rent a car"],
    ["over-the-counter", "over the counter"],
    ["The In Crowd", "in crowd"],
    ["To Kill A Mockingbird", "to kill a mockingbird"],
]
DIFFERENT = [
    *[["x+1", "x-1", "x1", "x 1", "x^1+2"], ["x>3", "x<3", "x>=3", "x=3", "x≠3"]],
    *[["(1,2)", "[1,2]", "(1,2]", "[1,2)", "(2,1)", "{1,2}", "1 2"]],
    *[
        ["C", "C++", "C#", "C+"],
        ["A", "A+", "A-"],
        ["2^{10}", "210", "2 10"],
        ["3.14", "314", "3 14"],
    ],
    *[["1+2i", "1-2i"], [r"\frac12", "2/1", "1 2", "12"], ["∅", "∞", "0"], ["±3", "3", "-3"]],
    *[["5 km", "5 m", "5 miles", "5"], ["$5", "€5", "£5", "5%", "5 cents", "5"]],
    *[["1912", "1912 BC"], ["10-4", "104", "10+4"], ["Henry VIII", "Henry VII", "Henry"]],
    *[["sqrt(2)", "2", "sqrt(3)"], ["10^10", "10^11", "1010"], ["1/3", "0.333333", "0.3333333333"]],
    *[["12345678901234567890", "12345678901234567891"], ["a/b", "b/a"], ["July 1969", "July 19"]],
    *[["3-2", "3+2", "1"], ["F-16", "F-15"], ["e^x", "ex"], ["1e400", "1e401"]],
    *[
        ["दिन", "दान", "दन"],
        ["किताब", "कतब"],
        ["がき", "かき"],
        ["バン", "パン", "ハン"],
        ["ปี", "ปู"],
    ],
    *[["한국", "한굴"], ["герой", "герои"], ["Київ", "Кив"], ["5 दिन", "5 दान"]],
    *[["x ∈ B", "x ∉ B"], ["x = 3", "x =\u0338 3"], ["ħ", "h"], ["ω", "o"]],
    *[["Vitamin A", "vitamin", "Vitamin C"], ["Hepatitis A", "Hepatitis"], ["Plan A", "a plan"]],
    *[["Blood type A", "blood type"], ["Type A (blood)", "type blood"], ["Group A", "group"]],
    *[["The A-Team", "Team"], ["the A Team", "Team"], ["Xi'an", "Xi"], ["Hoi An", "Hoi"]],
    *[["Vitamins A and C", "Vitamins and C"]],
    *[["one and a half", "1", "half", "two and a half"], ["half a million", "a million"]],
    *[["2 and 1/3", "7/3"], ["a quarter of a million", "three quarters of a million"]],
]


@pytest.mark.parametrize("texts", SAME, ids=lambda texts: texts[0])
def test_one_answer_has_one_key(texts: list[str]) -> None:
    assert {text: key(text) for text in texts} == dict.fromkeys(texts, key(texts[0]))


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda texts: texts[0])
def test_different_answers_have_different_keys(texts: list[str]) -> None:
    assert len({key(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("texts", SAME, ids=lambda texts: texts[0])
def test_the_judge_accepts_what_has_the_same_key(texts: list[str]) -> None:
    assert all(matches([one], other) for one in texts for other in texts)


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda texts: texts[0])
def test_the_judge_keeps_signs_and_units_apart(texts: list[str]) -> None:
    """A bare number is accepted for one with a unit and the reverse; all others are different."""
    for one in texts:
        for other in texts:
            if one != other and not {one, other} & {"5", "x=3", "3"}:
                assert not matches([one], other), (one, other)


def test_a_bare_number_joins_the_only_unit_of_the_others() -> None:
    assert len(set(keys(["18", "$18", "18 dollars", "eighteen"]))) == 1
    assert len(set(keys(["18", "$18", "18 €"]))) == 3
    assert len(set(keys(["18", "18 eggs"]))) == 1
    assert keys(["18", "17 eggs"]) == ["18", "17eggs"] or len(set(keys(["18", "17 eggs"]))) == 2


def test_spaces_count_next_to_digits_only() -> None:
    assert key("Spider-Man") == key("spiderman")
    assert key("Apollo 11") == key("apollo  eleven") != key("Apollo 1 1")


PARTS = (
    r"1 2 13 0.5 1e3 e x y i + - * / ^ = < ( ) [ ] { } , . % $ € \frac \sqrt \boxed \text km m of "
    "the and or not VI World July dozen half million Paris √ π ² ½ ° ∞ ± é 北 −"
)
PIECES = st.sampled_from(PARTS.split())


@given(st.lists(PIECES, max_size=25).map("".join) | st.lists(PIECES, max_size=25).map(" ".join))
def test_every_text_has_a_key(text: str) -> None:
    assert bool(key(text)) == bool(text.strip())
    assert keys([text]) == [key(text)]


@given(st.text(max_size=40))
@example("x =\u0338 3")
@example("Andre\u0301 I")
def test_composed_and_decomposed_characters_are_the_same(text: str) -> None:
    assert key(normalize("NFD", text)) == key(normalize("NFC", text))


@given(st.text(max_size=60), st.sampled_from(["{} ", " {}", "\n{}\t"]))
@example("?\\", "{} ")
def test_space_around_an_answer_does_not_matter(text: str, around: str) -> None:
    assert key(around.format(text)) == key(text)


def test_long_texts_are_compared_word_for_word() -> None:
    long = "Word " * MAX_LENGTH
    assert key(long) == key(long.upper()) != key(long + "x")
