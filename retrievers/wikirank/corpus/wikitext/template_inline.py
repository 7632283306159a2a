"""English templates inside sentences: ships, money, teams, names, verses, formulas."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_asian import interlanguage
from wikirank.corpus.wikitext.template_countries import country
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    before,
    joined,
    named,
    prefixed,
)

_CHARGE = re.compile(r"[0-9]*[+\-−–]")
_FORMULA_CHARGE = re.compile(r"\(([0-9]*[+\-−])\)")
_DEGREES = re.compile(r"[-−]?\d{1,3}(?:\.\d{1,12})?")
_SHIPS = """
ans arc bae bap brp ccgs eml ens fns gts hdms hmas hmbs hmcs hmcs hmis hmnzs hmpngs hms hmsas hmt
hnlms hnoms hs hsc hswms htms icgv ins iris jds js kri lé m/v ms mts mv my nms nns nrp orp ps r/v
rfa rfaux rms roks rps rss rv s/s s/y sas sb sms smu ss sv sy tcg tss usat usav uscgc usns usrc uss
"""
_SHIP_NAMES = {"lé": "LÉ", "m/v": "M/V", "r/v": "R/V"}
_MONEY = """
£ £|gbp £|pound £|€ €|eur €|euro €|us$ US$|usd US$|$ $|usdollar US$|a$ A$|au$ A$|aud A$|ca$ C$
cad C$|c$ C$|nz$ NZ$|nzd NZ$|hk$ HK$|hkd HK$|s$ S$|sgd S$|nt$ NT$|twd NT$|r$ R$|brl R$|mxn Mex$
inr ₹|inrconvert ₹|₹ ₹|indian~rupee ₹|rs ₹|rupee ₹|¥ ¥|jpy ¥|jp¥ ¥|yen ¥|cny CN¥|cn¥ CN¥|rmb CN¥
krw ₩|₩ ₩|sk~won ₩|won~currency ₩|rub ₽|₽ ₽|ruble ₽|uah ₴|₴ ₴|try ₺|turkish~lira ₺|ils ₪|nis ₪|₪ ₪
php ₱|₱ ₱|philippine~peso ₱|ngn ₦|₦ ₦|bdt ৳|৳ ৳|pkr Rs|thb ฿|฿ ฿|vnd ₫|zar R|kes KSh|chf CHF~
sek SEK~|nok NOK~|dkk DKK~|pln PLN~|czk CZK~|huf HUF~|myr RM|idr Rp|iep IR£|ghs GH₵|egp E£|irr IRR~
"""
_EXCHANGES = """
nyse NYSE|nasdaq Nasdaq|nyse~american NYSE~American|lse LSE|tyo TYO|tsx TSX|tsx-v TSX-V|asx ASX
bse BSE|nse NSE|sehk SEHK|sse SSE|szse SZSE|krx KRX|sgx SGX|fwb FWB|six SIX|bit BIT|bmad BMAD
euronext EURONEXT|omx OMX|nzx NZX|idx IDX|jse JSE|twse TWSE|bmv BMV|otc~pink OTC~Pink
"""
_YEARS = """
baseball~year mlb~year by nfl~year nba~year nhl~year cfb~year wnba~year mls~year afl~year nfly mlby
ws~year al~year nl~year alds~year nlds~year alcs~year nlcs~year world~series~year super~bowl~year
nfl~playoff~year wsy football~year wbc~year olympic~year f1~year gp~year
"""
_SEASONS = "nba~year nhl~year"
_TEAMS = """
flag flagu flagcountry flagioc flagioc2 flagiocteam fb fb-rt fbw
fbu nft nfa cr cr-rt crw cru ru ru-rt ruw rl rl-rt ih ih-rt ihw hb hbw bk bkw vb vbw bb bbw bsb wp
fh fhw nf futsal country flagg flaglist flagteam flag~link flag+link flagbig flagu-big
  flagpara
"""


def _parse_pairs(text: str) -> list[tuple[str, str]]:
    """Parse names and their texts, separated by bars and line ends; `~` is a space."""
    entries = (entry.split() for entry in text.replace("\n", "|").split("|") if entry.strip())
    return [(name.replace("~", " "), value.replace("~", " ")) for name, value in entries]


def _ship(args: Arguments) -> str:
    """`{{ship|USS|Enterprise|CV-6}}`: the prefix, the name, the hull number."""
    return _ship_name(args[1], args[2], args[3], args[4])


def _ship_name(prefix: str, name: str, number: str, form: str) -> str:
    if form == "1" and number:
        return number
    shown = "" if form in ("3", "5", "6") else prefix
    kept = f"({number})" if number and form not in ("2", "6") else ""
    return " ".join(part for part in (shown, name, kept) if part)


def _ship_with_prefix(prefix: str) -> Renderer:
    return lambda args: _ship_name(prefix, args[1], args[2], args[3]) if args[1] else ""


def _ship_class(args: Arguments) -> str:
    """`{{sclass|Nimitz|aircraft carrier}}`."""
    return f"{args[1]}-class {args[2]}".strip() if args[1] else ""


def _verse(args: Arguments) -> str:
    """`{{bibleverse|1|Corinthians|3:16|KJV}}`, `{{bibleverse||Mark|3:25}}`."""
    parts = args.filled
    if len(parts) > 2 and parts[0] in ("1", "2", "3", "4"):
        return " ".join(parts[:3])
    shown = parts[3:4] or parts[2:3]
    return shown[0] if parts[2:] and ":" in shown[0] else " ".join(parts[:2])


def _chemical(args: Arguments) -> str:
    """`{{chem|SO|4|2-}}`: the formula, with its charge after a space."""
    text = ""
    for part in args.filled:
        charge = _CHARGE.fullmatch(part) is not None
        space = " " if charge and part[0].isdecimal() and text else ""
        text += space + (part.replace("-", "−") if charge else part)
    return text


def _chemical_line(args: Arguments) -> str:
    """`{{chem2|SO4(2-)}}`."""
    text = "".join(args.filled)
    match = _FORMULA_CHARGE.search(text)
    if match is None:
        return text
    space = " " if match[1][0].isdecimal() else ""
    charge = match[1].replace("-", "−")
    return f"{text[: match.start()]}{space}{charge}{text[match.end() :]}"


def _nihongo(args: Arguments) -> str:
    inner = ", ".join(part for part in (args[2], args[3]) if part)
    first = args[1] or args[3]
    return f"{first} ({inner})" if inner and args[1] else first


def _nihongo_read(args: Arguments) -> str:
    """`{{nihongo3|Tokyo|東京|Tōkyō}}`: the romanised name first."""
    inner = ", ".join(part for part in (args[2], args[1]) if part)
    return f"{args[3]} ({inner})" if args[3] and inner else args[3] or inner


def chinese(args: Arguments) -> str:
    """`{{zh|s=北京|p=Běijīng}}`: all forms, separated by commas."""
    return ", ".join(
        value for name in ("c", "s", "t", "p", "w", "l") if (value := args.named.get(name))
    ) or "; ".join(args.filled)


def _korean(args: Arguments) -> str:
    by_name = [args.first(name) for name in ("hangul", "hanja", "rr", "mr", "lk")]
    return ", ".join(part for part in by_name if part) or ", ".join(args.filled)


def _season(args: Arguments) -> str:
    """`{{nba year|1995}}`: 1995–96."""
    year = args[1]
    return f"{year}–{int(year) % 100 + 1:02d}" if year.isdecimal() and len(year) == 4 else year


def _force(kind: str) -> Renderer:
    return lambda args: f"{country(args)} {kind}" if args[1] else ""


def _orbiter(args: Arguments) -> str:
    """`{{OV|099}}`: a space shuttle's number."""
    return f"OV-{args[1]}" if args[1] else ""


def _coordinates(args: Arguments) -> str:
    """`{{coord|13|19|N|169|9|W}}`: 13°19′N 169°9′W; nothing if shown beside the title."""
    if args.first("display").strip().lower() in ("title", "t"):
        return ""
    shown, sign = "", 0
    for part in args.filled:
        if part.upper() in ("N", "S", "E", "W", "O"):
            shown, sign = f"{shown}{part} ", 0
        elif _DEGREES.fullmatch(part):
            shown, sign = f"{shown}{part}{'°′″'[min(sign, 2)]}", sign + 1
        else:
            break  # "type:city"
    # Two plain numbers are latitude and longitude in degrees.
    plain = shown.replace("°", "°, ").replace("′", "°") if shown.endswith("′") else shown
    return plain.strip()


INLINE: dict[str, Renderer] = {
    "ship": _ship,
    **{name: _ship_with_prefix(_SHIP_NAMES.get(name, name.upper())) for name in _SHIPS.split()},
    **named("sclass sclass2 sclass- ship~class", _ship_class),
    **{name: prefixed(sign) for name, sign in _parse_pairs(_MONEY)},
    **{name: prefixed(f"{sign}: ") for name, sign in _parse_pairs(_EXCHANGES)},
    **named(_YEARS, argument(1)),
    **named(_SEASONS, _season),
    **named(_TEAMS, country),
    "ov": _orbiter,
    **named("coord coordinates", _coordinates),
    "army": _force("Army"),
    "navy": _force("Navy"),
    "air force": _force("Air Force"),
    "marines": _force("Marine Corps"),
    **named("née nee", before("née")),
    "né": before("né"),
    "nihongo": _nihongo,
    "nihongo krt": _nihongo,
    "nihongo3": _nihongo_read,
    **named("nihongo~foot nihongo2 nihongo~title nihongo-s", argument(1)),
    **named("zh lang-zh zh-cpl zh-cp zh-full zh-hans zh-hant", chinese),
    **named("korean korean/auto", _korean),
    **named(
        "bibleverse bibleref bibleref2 bibleverse-nb bibleref2-nb bibleverse-lb bv niv esv kjv lds",
        _verse,
    ),
    **named("cite~quran qref quran-usc", lambda args: f"Quran {':'.join(args.filled[:2])}"),
    **named("chem", _chemical),
    "chem2": _chemical_line,
    **named("ill interlanguage~link interlanguage~link~multi ill-wd", interlanguage),
    **named("post-nominals postnominals postnom", joined(", ")),
    **named("lit literal literal~translation literally", prefixed("lit. ")),
    **named("d. died", before("d.")),
    **named("r. ruled", lambda args: f"r. {'–'.join(args.filled)}"),
    **named("us~patent uspatent us~patent~2", prefixed("U.S. patent ")),
    **named("jct roadlink", joined(" ")),
    **named("subatomic~particle subatomicparticle subatomic~particle~link", argument(1)),
}
