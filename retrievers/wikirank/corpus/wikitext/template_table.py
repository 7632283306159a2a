"""What stands for each template that we know."""

from __future__ import annotations

from collections.abc import Callable

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.names import is_language
from wikirank.corpus.wikitext.template_dates import DATES
from wikirank.corpus.wikitext.template_units import UNITS

Renderer = Callable[[Arguments], str]


def _argument(number: int) -> Renderer:
    return lambda given: given[number]


def _constant(text: str) -> Renderer:
    return lambda _: text


def nothing(_: Arguments) -> str:
    """Drop the template."""
    return ""


def _last(given: Arguments) -> str:
    return given.given[-1] if given.given else ""


def last_language_text(given: Arguments) -> str:
    """The text of `{{lang-fr|text}}`."""
    return given[1] or given.first("text")


def _lang(given: Arguments) -> str:
    return given[2] or given.first("text")


def _transliteration(given: Arguments) -> str:
    return given[3] or given[2] or given[1]


def _ipa(given: Arguments) -> str:
    return given[2] if given[2] and is_language(given[1]) else given[1]


def _slashed(given: Arguments) -> str:
    return f"/{given[1]}/" if given[1] else ""


def _bar(given: Arguments) -> str:
    return f"{given[1]}: {given[3]}%" if given[3] else given[1]


def _marriage(given: Arguments) -> str:
    years = "–".join(part for part in (given[2], given[3]) if part)
    return f"{given[1]} (m. {years})" if years else given[1]


def _interlanguage(given: Arguments) -> str:
    return given.first("lt") or given[1]


def _joined(separator: str) -> Renderer:
    return lambda given: separator.join(given.given)


def _bullets(given: Arguments) -> str:
    return "".join(f"\n* {item}" for item in given.given) + "\n" if given.given else ""


def _quote(given: Arguments) -> str:
    text = given.first("text", "quote") or given[1]
    by = given.first("author", "sign", "by", "person") or given[2]
    source = given.first("source", "title") or given[3]
    credit = ", ".join(part for part in (by, source) if part)
    return f"\n{text}\n{f'— {credit}' if credit else ''}\n" if text else ""


def _nihongo(given: Arguments) -> str:
    inner = ", ".join(part for part in (given[2], given[3]) if part)
    first = given[1] or given[3]
    return f"{first} ({inner})" if inner and given[1] else first


def _sort_name(given: Arguments) -> str:
    return f"{given[1]} {given[2]}".strip()


def _ship(given: Arguments) -> str:
    return given[1] if len(given.given) == 1 else " ".join(given.given[:2])


def _prefixed_ship(prefix: str) -> Renderer:
    return lambda given: f"{prefix} {given[1]}"


def _chemical(given: Arguments) -> str:
    return "".join(given.given)


def _chinese(given: Arguments) -> str:
    return ", ".join(
        value for name in ("c", "s", "t", "p") if (value := given.named.get(name))
    ) or "; ".join(given.given)


def _gloss(given: Arguments) -> str:
    text = given.first("defn", "term", "content") or given[1]
    return f"\n{text}\n" if text else ""


def _prefixed(prefix: str, number: int = 1) -> Renderer:
    return lambda given: f"{prefix}{given[number]}" if given[number] else ""


def _quoted(given: Arguments) -> str:
    return f"'{given[1]}'"


def _fallback(default: str) -> Renderer:
    return lambda given: given[1] or default


def _suffixed_link(given: Arguments) -> str:
    return f"{given[1]} § {given[2]}" if given[2] else given[1]


TEMPLATES: dict[str, Renderer] = {
    **DATES,
    **UNITS,
    "lang": _lang,
    "langx": _lang,
    "rtl-lang": _lang,
    "transl": _transliteration,
    "transliteration": _transliteration,
    "ill": _interlanguage,
    "interlanguage link": _interlanguage,
    "interlanguage link multi": _interlanguage,
    "nihongo": _nihongo,
    "zh": _chinese,
    "sort": _argument(2),
    "sortname": _sort_name,
    "ship": _ship,
    "ipa": _ipa,
    "ipa link": _argument(1),
    "ipalink": _argument(1),
    "ipaslink": _slashed,
    "ipablink": lambda given: f"[{given[1]}]",
    "native name": _lang,
    "marriage": _marriage,
    "bartable": lambda given: given[1] + given[2],
    "bar percent": _bar,
    "simplenuclide": _joined("-"),
    "simplenuclide2": _joined("-"),
    "nuclide": _joined("-"),
    "nuclide2": _joined("-"),
    "railgauge": _argument(1),
    "track gauge": _argument(1),
    "pow": _joined("^"),
    "url": lambda given: given[2] or given[1],
    "mdashb": _constant("—"),
    "uss": _prefixed_ship("USS"),
    "hms": _prefixed_ship("HMS"),
    "ss": _prefixed_ship("SS"),
    "rms": _prefixed_ship("RMS"),
    "chem": _chemical,
    "chem2": _chemical,
    "isbn": _prefixed("ISBN "),
    "issn": _prefixed("ISSN "),
    "rfc": _prefixed("RFC "),
    "oeis": _argument(1),
    "oeis2c": _argument(1),
    "us$": _prefixed("US$"),
    "usd": _prefixed("US$"),
    "inr": _prefixed("₹"),
    "inrconvert": _prefixed("₹"),
    "gbp": _prefixed("£"),
    "eur": _prefixed("€"),
    "section link": _suffixed_link,
    "slink": _suffixed_link,
    "gloss": _quoted,
    "yes": _fallback("Yes"),
    "no": _fallback("No"),
    "won": _fallback("Won"),
    "nom": _fallback("Nominated"),
    "partial": _fallback("Partial"),
    "n/a": _fallback("N/A"),
    "na": _fallback("N/A"),
    "tba": _fallback("TBA"),
    "dunno": _fallback("?"),
    "rh": _fallback("?"),
    "free": _fallback("Free"),
    "nonfree": _fallback("Non-free"),
    "some": _fallback("Some"),
    "pending": _fallback("Pending"),
    "active": _fallback("Active"),
    "included": _fallback("Included"),
    "dropped": _fallback("Dropped"),
    "hlist": _joined(", "),
    "flatlist": _argument(1),
    "plainlist": _argument(1),
    "cslist": _joined(", "),
    "cmn": _argument(1),
    "mset": lambda given: "{" + ", ".join(given.given) + "}" if given.given else "",
    "gaps": _joined(" "),
    "sic": _joined(""),
    "angbr": lambda given: f"⟨{given[1]}⟩",
    "bracket": lambda given: f"[{given[1]}]",
    "brackets": lambda given: f"[{given[1]}]",
    "abs": lambda given: f"|{given[1]}|",
    "sqrt": _prefixed("√"),
    "radic": _prefixed("√"),
    "root": _prefixed("√"),
    "reign": lambda given: "r. " + "–".join(given.given),
    "floruit": _prefixed("fl. "),
    "fl.": _prefixed("fl. "),
    "born in": _prefixed("b. "),
    "b.": _prefixed("b. "),
    "pi": _constant("π"),
    "tau": _constant("τ"),
    "hbar": _constant("ħ"),
    "infin": _constant("∞"),
    "times": _constant("×"),
    "sharp": _constant("♯"),
    "flat": _constant("♭"),
    "natural": _constant("♮"),
    "c sharp": _constant("C♯"),
    "check mark": _constant("✓"),
    "tick": _constant("✓"),
    "cross": _constant("✗"),
    "x mark": _constant("✗"),
    "increase": _constant("▲"),
    "decrease": _constant("▼"),
    "ndash": _constant("–"),
    "en dash": _constant("–"),
    "mdash": _constant("—"),
    "em dash": _constant("—"),
    "--": _constant("–"),
    "nbsp": _constant(" "),
    "space": _constant(" "),
    "spaces": _constant(" "),
    "thinsp": _constant(" "),
    "zwsp": _constant(""),
    "shy": _constant(""),
    "clear": _constant(""),
    "break": _constant("\n"),
    "paragraph break": _constant("\n"),
    "pb": _constant("\n"),
    "s": _constant("'s"),
    "'": _constant("'"),
    "' \"": _constant("' \""),
    "\" '": _constant("\" '"),
    "'s": _constant("'s"),
    "`": _constant("ʻ"),
    "okina": _constant("ʻ"),
    "pipe": _constant("|"),
    "·": _constant(" ·"),
    "•": _constant(" •"),
    "\\": _constant(" /"),
    "colon": _constant(":"),
    "sp": _constant(" "),
}

for _names, _renderer in (
    (
        """nowrap nobr small smaller big larger large bigger center abbr tooltip em strong bold mono
        code kbd samp codes var mvar math tt key keypress unicode iast
        underline overline uline strike strikethrough del ins not~a~typo
        proper~name as~written typo
        visible~anchor vanchor allow~wrap wrap nowrap~begin word~joiner noitalic
        normal nocap smallcaps sc small~caps smcaps allcaps uc lc first~word first-letter flag
        flagcountry flagu flag+link noflag flagathlete script
        polytonic hebrew arabic music coptic align left right
        font dfn char unichar~text title~style linktext
        longitem nastaliq pslink phonetic no~italics xt mxt nobold nobreak keep big~text
        stn station lnl user~link title~link dab~text
        glossary~link gli avoid~wrap avoidwrap""",
        _argument(1),
    ),
    (
        """resize color font~color colored~text fontcolor font~colour colour background~color
        stylized wikt legend legend~inline change hover~title
        ruby ruby-inline abbrlink wikt-lang wiktlang wt""",
        _last,
    ),
    (
        """ubl unbulleted~list bulleted~list ordered~list plain~list bulletedlist unbulleted
        numbered~list vunblist collapsible~list indented~plainlist flat~list""",
        _bullets,
    ),
    (
        """quote blockquote cquote quotation quote~box quotebox bquote rquote centered~pull~quote
        pull~quote quote~frame verse~translation poemquote poem~quote talkquote long~quote
        block~quotation""",
        _quote,
    ),
    ("defn term ghat", _gloss),
    ("spaced~ndash snd snds spnd sndash spaced~en~dash", _constant(" – ")),
    ("spaced~mdash spaced~em~dash smd", _constant(" — ")),
    (
        """about for other~uses hatnote redirect redirect2 main see~also further details distinguish
        rp page~needed cn citation~needed fact note notetag ref r efn ipac-en ipa-en respell
        audio listen listen~to pronunciation audio-ipa coord anchor refimprove multiple~issues
        cleanup update tone technical wikify dead~link webarchive reflist notelist image
        multiple~image double~image image~label caption side~box sidebar tracklist footnote
        inline~citation clarify who when which according~to~whom by~whom original~research
        contradict~inline dubious vague why specify better~source authority~control portal
        commons commons~category wikiquote wikisource wiktionary in~lang as~of-ref efn-ua efn-lr
        refn self-reference wikibooks full better~source~needed undue lead~too~short
        disambiguation short~description use~dmy~dates use~mdy~dates familytree chart""",
        nothing,
    ),
):
    TEMPLATES.update((_name.replace("~", " "), _renderer) for _name in _names.split())
