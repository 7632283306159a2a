"""Sentences in several languages: abbreviations, ordinals, full stops of other scripts."""

from __future__ import annotations

import pytest

from wikirank.passages.sentences import sentence_spans


@pytest.mark.parametrize(
    "text",
    [
        # German
        "Anna wurde am 8. Juli 1867 geboren.|Sie lebte z. B. in Ulm.|Er ist 900 m ü. NHN hoch.",
        "Im 19. Jahrhundert war es so.|Er gewann den 2. Platz.|Es waren 12.|Der Rest ging.",
        "Er starb 44 v. Chr. in Rom.|Das gilt z. B. Ostern.|Sie hat ca. 300 Leute, vgl. Abb. 3.",
        "Siehe Nr. 5, hrsg. von Hrsg. Müller.|Es kostet 3 Mio. Euro usw.|Danach ging er.",
        "Seit dem 1. Mai gilt es.|Der Dipl.-Ing. kam.|D. h. Bayern gewann.",
        # French
        "Il vécut vers 50 av. J.-C. à Rome.|M. Dupont et le Dr. Roux vinrent.|Cf. p. ex. Paris.",
        "La ville est prise en 52 av. J.-C.|Les Romains restent.|Il y a env. 300 hab. par km2.",
        # Spanish
        "El Sr. García y la Dra. Pérez viven en EE. UU. desde 1900.|Véase la pág. 5.",
        "Murió en el año 44 a. C.|Su hijo reinó.|Nació en EE. UU.|En 1900 volvió, p. ej. Madrid.",
        # Russian
        "Он жил в г. Москва, на ул. Ленина.|В 1990 г.|Он уехал.|В XIX в. город вырос.",
        "А. С. Пушкин жил там и т. д.|Это им. Ленина завод.|Ок. 1900 г. население росло.",
        # Italian, Portuguese, Polish
        "Nel 44 a.C. Cesare morì.|Il sig. Rossi e il dott. Bianchi, ecc.|Dopo partì.",
        "O Sr. Silva e a Profa. Lima vieram.|Era tarde.",
        "Stoi przy ul. Długiej, tzw. Starym Mieście.|To jest.",
        # English stays as it was
        "He won in 1945.|Then he left on Feb. 3 at No. 5.|J. R. R. Tolkien.|In the U.S.|The rule.",
        "Let it be x.|Mr. Bean has vitamin c.|The rest moved on.|It is in Ca.|Schweiz.|Ende.",
        # other scripts
        "Սա քաղաք է։|Այն մեծ է։",
        "यह नगर है।|वह बड़ा है॥|और यह।",
        "ဤသည်မြို့ဖြစ်သည်။|ကြီးသည်။",
        "ይህ ከተማ ነው።|ትልቅ ነው፧|አዎ።",
    ],
)
def test_sentences(text: str) -> None:
    sentences = text.split("|")
    joined = " ".join(sentences)
    assert [joined[start:end] for start, end in sentence_spans(joined)] == sentences


def test_stops_that_need_no_space() -> None:
    text = "ይህ ነው።ያ ነው።"
    assert [text[start:end] for start, end in sentence_spans(text)] == ["ይህ ነው።", "ያ ነው።"]


def test_no_end_within_a_line_of_stops() -> None:
    text = "z. " * 20_000
    assert sum(end - start for start, end in sentence_spans(text)) > len(text) // 2
