"""Languages: their stemmers and stop words, and detection from a text or a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import regex
import tantivy

from wikirank.errors import InvalidArgumentError
from wikirank.index.normalise import without_marks

ENGLISH = "en"
OTHER = "other"
"""Stands for any other language: no stemmer, no stop words."""

STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
# The scripts by which languages are detected. Scripts without spaces are indexed as letter pairs.
_SCRIPTS = {
    "ja": r"\p{Hiragana}\p{Katakana}",
    "ko": r"\p{Hangul}",
    "zh": r"\p{Han}",
    "th": r"\p{Thai}",
    "lo": r"\p{Lao}",
    "km": r"\p{Khmer}",
    "my": r"\p{Myanmar}",
    "hi": r"\p{Devanagari}",
    "he": r"\p{Hebrew}",
    "el": r"\p{Greek}",
    "ta": r"\p{Tamil}",
    "ar": r"\p{Arabic}",
    "ru": r"\p{Cyrillic}",
}
LANGUAGES = (*sorted({*STEMMERS, *_SCRIPTS}), OTHER)
NAMES = {
    **{code: name.capitalize() for code, name in STEMMERS.items()},
    "he": "Hebrew",
    "hi": "Hindi",
    "ja": "Japanese",
    "km": "Khmer",
    "ko": "Korean",
    "lo": "Lao",
    "my": "Burmese",
    "th": "Thai",
    "zh": "Chinese",
}
# Tantivy has no stop words for these.
_NO_STOP_WORDS = {"ar", "el", "ro", "ta", "tr"}
# Question words that are missing from the stop word lists, and lists for languages without one.
_QUESTION_WORDS = {
    "de": "wann wer wie was wo warum wieso welche welcher welches welchen wurde gibt viele heißt",
    "es": "qué que cuándo cuando dónde donde quién quien cuál cual cuántos cuántas cómo como",
    "fr": "quel quelle quels quelles quand où combien pourquoi comment qui est les des du aux",
    "it": "quando dove chi quale quali quanto quanti come perché cosa",
    "nl": "wanneer wie wat waar hoeveel welke waarom hoe",
    "pt": "quando onde quem qual quais quantos quantas como por que",
    "sv": "när vem vad var hur vilken vilket varför många",
    "da": "hvem hvad hvor hvornår hvilken hvilket hvorfor hvordan",
    "fi": "kuka mikä missä milloin miksi kuinka miten monta montako onko oliko ovatko voiko mitä"
    " mihin mistä minkä ketkä mitkä millä",
    "hu": "ki mi hol mikor melyik hány miért hogyan",
    "no": "hvem hva hvor når hvilken hvilket hvorfor hvordan",
    "ro": "când unde cine care cât câți de ce este sunt și din pentru cu la",
    "tr": "ne zaman nerede kim hangi kaç nasıl neden ve bir bu için ile olan mi mı",
    "pl": "kiedy gdzie kto jaki jaka jakie ile dlaczego jest w na się z i nie",
    "cs": "kdy kde kdo jaký jaká jaké kolik proč je v na se a byl",
    "id": "kapan di mana siapa apa berapa mengapa bagaimana yang dan adalah dari dalam pada"
    " kapankah dimana dimanakah siapakah apakah berapakah",
    "vi": "khi nào ở đâu ai gì bao nhiêu tại sao là của và có được những gi cua duoc nhung",
    "sw": "lini wapi nani gani nini ngapi upi ipi wangapi mingapi mangapi kwa ya wa na ni je ina"
    " katika",
    "tl": "ano sino saan kailan bakit paano ilan ang ng mga",
}
STOPWORDS = (
    "a about an and any are as at be been being but by can could did do does done for from had has"
    " have he her his how i if in into is it its many me more most much my no not of on or our she"
    " should so some such than that the their them then there these they this those to us was we"
    " were what when where which who whom whose why will with would you your"
)
_LATIN = regex.compile(r"\p{Latin}")
_LETTER = regex.compile(r"\p{L}")
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_RUSSIAN, _NOT_RUSSIAN = regex.compile("[ыэё]"), regex.compile("[іїєґўјљњћђџѓќ]")
_NOT_ARABIC = regex.compile("[پچژگکیٹڈڑےں]")
_VIETNAMESE = regex.compile("[ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")
_SAMPLE = 20_000  # characters
_MIN_SHARE = 0.15  # of the words must be function words
_MIN_LEAD = 1.3  # times the function words of English
_MIN_QUESTION_WORD = 3  # letters; shorter words, such as "na", exist in many languages


def check_language(language: str | None) -> None:
    """Raise InvalidArgumentError if a language is neither None nor in `LANGUAGES`."""
    if language is not None and language not in LANGUAGES:
        msg = (
            f"Expected a language of {', '.join(LANGUAGES)}, got {language!r}. Use 'other' for any "
            "other language; it has no stemmer."
        )
        raise InvalidArgumentError(msg)


def language_of_texts(texts: Iterable[str]) -> str:
    """Detect the main language of some texts.

    Args:
        texts: The texts; the first 20,000 characters count, at most 2,000 of each text.

    Returns:
        A code of `LANGUAGES`; English if unsure.
    """
    sample = ""
    for text in texts:
        sample += f"{text[:2000]}\n"
        if len(sample) >= _SAMPLE:
            break
    if language := _language_of_script(sample):
        return language
    words = _words(sample)
    hits = Counter({code: _function_words(words, code) for code in STEMMERS})
    (best, most), (_, second) = hits.most_common(2)
    is_sure = most > second and most >= max(_MIN_SHARE * len(words), _MIN_LEAD * hits[ENGLISH])
    return best if is_sure else ENGLISH


def language_of_question(question: str) -> str:
    """Detect the language of a question.

    Args:
        question: A question or keywords.

    Returns:
        A code such as `de`; English if unsure, which names and keywords usually are.
    """
    if language := _language_of_script(question):
        return language
    words = list(dict.fromkeys(_words(question)))  # "la la land" is not Spanish
    if len(_VIETNAMESE.findall(question.lower())) >= 2:
        return "vi"
    english = _function_words(words, ENGLISH)
    others = sorted({*STEMMERS, *_QUESTION_WORDS} - {ENGLISH})
    hits = {code: _function_words(words, code) for code in others}
    long_words = {word for word in words if len(word) >= _MIN_QUESTION_WORD}
    best = max(hits, key=lambda code: (hits[code], not _question_words(code).isdisjoint(words)))
    is_question = (
        len(words) > 2 and not english and not _question_words(best).isdisjoint(long_words)
    )
    return best if (hits[best] >= 2 or is_question) and hits[best] > english else ENGLISH


def _language_of_script(text: str) -> str:
    """Return the language of a text in a non-Latin script; "" if it is mostly Latin."""
    letters, latin = len(_LETTER.findall(text)), len(_LATIN.findall(text))
    if 2 * latin >= letters:
        return ""
    shares = Counter({code: len(_script(code).findall(text)) for code in _SCRIPTS})
    if 2 * sum(shares.values()) < letters - latin:
        return OTHER
    if 10 * shares["ja"] >= shares["zh"] > 0 and shares["ja"]:
        return "ja"
    code = max(shares, key=lambda code: shares[code])
    lowered = text.lower()
    if code == "ru" and not _is_russian(lowered):
        return OTHER
    if code == "ar" and 20 * len(_NOT_ARABIC.findall(text)) > shares["ar"]:
        return OTHER
    return code


def _is_russian(text: str) -> bool:
    return len(_RUSSIAN.findall(text)) >= len(_NOT_RUSSIAN.findall(text))


@lru_cache(maxsize=len(_SCRIPTS))
def _script(code: str) -> regex.Pattern[str]:
    return regex.compile(f"[{_SCRIPTS[code]}]")


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _function_words(words: list[str], code: str) -> int:
    """Count the words that are stop words or question words of a language."""
    rest = [word for word in words if word not in _question_words(code)]
    if code in _NO_STOP_WORDS or code not in STEMMERS:
        return len(words) - len(rest)
    return len(words) - len(_without_stop_words(code).analyze(" ".join(rest)))


@lru_cache(maxsize=32)
def _question_words(code: str) -> frozenset[str]:
    return frozenset((STOPWORDS if code == ENGLISH else _QUESTION_WORDS.get(code, "")).split())


@lru_cache(maxsize=32)
def _without_stop_words(code: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stopword(STEMMERS[code])).build()


def is_stop_word(word: str, code: str) -> bool:
    """Whether a word is a stop word of a language, with or without its accents."""
    if code in _NO_STOP_WORDS or code not in STEMMERS:
        return False
    plain = word.lower()
    analyzer = _without_stop_words(code)
    return not (analyzer.analyze(plain) and analyzer.analyze(without_marks(plain)))
