"""The renderer of each known template."""

from __future__ import annotations

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.names import is_language
from wikirank.corpus.wikitext.template_asian import ASIAN
from wikirank.corpus.wikitext.template_dates import DATES
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    before,
    constant,
    drop,
    fallback,
    joined,
    last,
    named,
    prefixed,
)
from wikirank.corpus.wikitext.template_french import FRENCH, ROMAN, century
from wikirank.corpus.wikitext.template_german import GERMAN
from wikirank.corpus.wikitext.template_inline import INLINE
from wikirank.corpus.wikitext.template_romance import ROMANCE
from wikirank.corpus.wikitext.template_russian import RUSSIAN
from wikirank.corpus.wikitext.template_symbols import SYMBOLS
from wikirank.corpus.wikitext.template_units import UNITS


def last_language_text(args: Arguments) -> str:
    """Render the text of `{{lang-fr|text}}`."""
    return args[1] or args.first("text")


def _lang(args: Arguments) -> str:
    return args[2] or args.first("text")


def _transliteration(args: Arguments) -> str:
    return args[3] or args[2] or args[1]


def _ipa(args: Arguments) -> str:
    return args[2] if args[2] and is_language(args[1]) else args[1]


def _slashed(args: Arguments) -> str:
    return f"/{args[1]}/" if args[1] else ""


def _bar(args: Arguments) -> str:
    return f"{args[1]}: {args[3]}%" if args[3] else args[1]


def _marriage(args: Arguments) -> str:
    years = "–".join(part for part in (args[2], args[3]) if part)
    return f"{args[1]} (m. {years})" if years else args[1]


def _block(args: Arguments) -> str:
    return f"\n{args.filled[-1]}\n" if args.filled else ""


def _bullets(args: Arguments) -> str:
    return "".join(f"\n* {item}" for item in args.filled) + "\n" if args.filled else ""


def _quote(args: Arguments) -> str:
    text = args.first("text", "quote", "content", "quotetext") or args[1]
    author = args.first("author", "sign", "by", "person") or args[2]
    source = args.first("source", "title") or args[3]
    credit = ", ".join(part for part in (author, source) if part)
    return f"\n{text}\n{f'— {credit}' if credit else ''}\n" if text else ""


def _sort_name(args: Arguments) -> str:
    return f"{args[1]} {args[2]}".strip()


def _gloss(args: Arguments) -> str:
    text = args.first("defn", "term", "content") or args[1]
    return f"\n{text}\n" if text else ""


def _music(args: Arguments) -> str:
    """`{{music|time|3|4}}` is 3/4 time, `{{music|flat}}` a sign, anything else a note or chord."""
    if args[1] == "time":
        return "/".join(args.filled[1:])
    return SYMBOLS.get(args[1]) or "".join(args.filled)


def _quoted(args: Arguments) -> str:
    return f"'{args[1]}'"


def _suffixed_link(args: Arguments) -> str:
    return f"{args[1]} § {args[2]}" if args[2] else args[1]


def _s(args: Arguments) -> str:
    """`{{s}}` is 's. `{{s|XX}}` is a century in French wikis; Russian wikis have other text."""
    if not args.filled:
        return "'s"
    return century(args) if ROMAN.fullmatch(args[1]) else args[1]


def _citation(args: Arguments) -> str:
    """A quotation in French wikis; with named fields it is a source, which is dropped."""
    return f"« {args[1]} »" if args[1] and not args.named else ""


TEMPLATES: dict[str, Renderer] = {
    **FRENCH,
    **ROMANCE,
    **GERMAN,
    **RUSSIAN,
    **ASIAN,
    **DATES,
    **UNITS,
    **INLINE,
    **{name: constant(text) for name, text in SYMBOLS.items()},
    "s": _s,
    "citation": _citation,
    "lang": _lang,
    "langx": _lang,
    "rtl-lang": _lang,
    "transl": _transliteration,
    "transliteration": _transliteration,
    "sort": argument(2),
    "sortname": _sort_name,
    "ipa": _ipa,
    "ipa link": argument(1),
    "ipalink": argument(1),
    "ipaslink": _slashed,
    "ipablink": lambda args: f"[{args[1]}]",
    "native name": _lang,
    "marriage": _marriage,
    "bartable": lambda args: args[1] + args[2],
    "bar percent": _bar,
    "simplenuclide": joined("-"),
    "simplenuclide2": joined("-"),
    "nuclide": joined("-"),
    "nuclide2": joined("-"),
    "railgauge": argument(1),
    "track gauge": argument(1),
    "pow": lambda args: "^".join(args.filled) or "(POW)",
    "dentalformula": lambda args: f"{args.first('upper')}/{args.first('lower')}".strip("/"),
    "url": lambda args: args[2] or args[1],
    "isbn": prefixed("ISBN "),
    "issn": prefixed("ISSN "),
    "rfc": prefixed("RFC "),
    "oeis": argument(1),
    "oeis2c": argument(1),
    "section link": _suffixed_link,
    "slink": _suffixed_link,
    "gloss": _quoted,
    "music": _music,
    "10^": prefixed("10^"),
    "yes": fallback("Yes"),
    "no": fallback("No"),
    "won": fallback("Won"),
    "nom": fallback("Nominated"),
    "partial": fallback("Partial"),
    "n/a": fallback("N/A"),
    "na": fallback("N/A"),
    "tba": fallback("TBA"),
    "dunno": fallback("?"),
    "rh": fallback("?"),
    "free": fallback("Free"),
    "nonfree": fallback("Non-free"),
    "some": fallback("Some"),
    "pending": fallback("Pending"),
    "active": fallback("Active"),
    "included": fallback("Included"),
    "dropped": fallback("Dropped"),
    "hlist": joined(", "),
    "flatlist": _block,
    "plainlist": _block,
    "columns-list": _block,
    "columns list": _block,
    "multicol": _block,
    "cslist": joined(", "),
    "cmn": argument(1),
    "mset": lambda args: "{" + ", ".join(args.filled) + "}" if args.filled else "",
    "gaps": joined(" "),
    "sic": lambda args: "".join(args.filled) or "[sic]",
    "linktext": joined(""),
    "zhp": joined(""),
    "angbr": lambda args: f"⟨{args[1]}⟩",
    "bracket": lambda args: f"[{args[1]}]",
    "brackets": lambda args: f"[{args[1]}]",
    "abs": lambda args: f"|{args[1]}|",
    "sqrt": prefixed("√"),
    "radic": prefixed("√"),
    "root": prefixed("√"),
    "reign": lambda args: "r. " + "–".join(args.filled),
    "floruit": before("fl."),
    "fl.": before("fl."),
    "born in": prefixed("b. "),
    "died in": prefixed("d. "),
    "b.": before("b."),
}

for _names, _renderer in (
    (
        """nowrap nobr small smaller big larger large bigger center abbr tooltip em strong bold mono
        code kbd samp codes var mvar math tt key keypress unicode iast
        underline overline uline strike strikethrough del ins not~a~typo
        proper~name as~written typo
        visible~anchor vanchor allow~wrap wrap nowrap~begin word~joiner noitalic
        normal nocap smallcaps sc small~caps smcaps allcaps uc lc first~word first-letter
        noflag flagathlete flagiocathlete flagmedalist script midsize smallsup pre2 make~code
        delink finedetail angle~bracket huge strongbad stronggood
        polytonic hebrew arabic coptic align left right
        font dfn char title~style
        longitem nastaliq pslink phonetic no~italics xt mxt nobold nobreak keep big~text
        stn station lnl user~link title~link dab~text
        glossary~link gli avoid~wrap avoidwrap""",
        argument(1),
    ),
    (
        """resize color font~color colored~text fontcolor font~colour colour background~color
        stylized wikt legend legend~inline change hover~title
        abbrlink wikt-lang wiktlang wt""",
        last,
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
    (
        """about for other~uses hatnote redirect redirect2 main see~also further details distinguish
        rp page~needed cn citation~needed fact note notetag ref r efn ipac-en ipa-en respell
        audio listen listen~to pronunciation audio-ipa anchor refimprove multiple~issues
        cleanup update tone technical wikify dead~link webarchive reflist notelist image
        multiple~image double~image image~label caption side~box sidebar tracklist footnote
        inline~citation clarify who when which according~to~whom by~whom original~research
        contradict~inline dubious vague why specify better~source authority~control portal
        commons commons~category wikiquote wikisource wiktionary in~lang as~of-ref efn-ua efn-lr
        refn self-reference wikibooks full better~source~needed undue lead~too~short
        disambiguation short~description use~dmy~dates use~mdy~dates familytree chart
        ref~label note~label note~list see~below main~article details details3 broader
        main~category distinguish2 redirect3 redirect4 redirect-distinguish technical~reasons
        related~articles for2 for-multi about-distinguish other~people other~places lookfrom intitle
        geographic~location toc toc~right toc~left toclimit toc~limit clear~left clear~right oclc
        google~books youtube imdb~name imdb~title twitter facebook official~website official~url
        osmrelation-inline books-inline wikisource-inline wikisource1911enc eb1911 catholic
        refbegin refend div~col div~col~end col-begin col-end col-break col-2 col-3 col-4 colbegin
        colend sfnm sfnp harvtxt harvcol r~page sup~ref cref cnote noref chembox~footnote
        inflation-fn inflation-year update~after dynamic~list party~color party~shading""",
        drop,
    ),
):
    TEMPLATES.update(named(_names, _renderer))
