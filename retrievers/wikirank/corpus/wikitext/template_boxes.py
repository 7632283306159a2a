"""Templates with named fields: infobox facts, travel guide entries, prose in a named field."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.marks import ASIDE, BREAK, DROPPED, GUESS, GUESS_END
from wikirank.corpus.wikitext.template_forms import words

# Infobox names, or parts of them, in the larger wikis.
_INFOBOX_NAMES = words(
    """infobox taxobox geobox chembox drugbox speciesbox planetbox starbox ficha~de info/ infobox/
    infoboks infobokso infokast infoskreine infotaula infolentelė infopolje infokutija tietolaatikko
    bilgi~kutusu faktamall karta~info infocaseta casetă ynfoboks inligtingskas infochascha
    informkesto infokašćik карточка картка инфокутия инфокутија инфобокс інфобокс қуттӣ
    ცნობარი ინფოდაფა տեղեկաքարտ πλαίσιο κουτί~πληροφοριών صندوق~معلومات خانہ~معلومات جعبه~اطلاعات
    ज्ञानसन्दूक তথ্যছক ਜਾਣਕਾਰੀਡੱਬਾ సమాచారపెట్టె กล่องข้อมูล ប្រអប់ព័ត៌មាន 정보상자 정보 基礎情報 信息框
    資訊框 明細 infokutu bilgiquti hộp~thông~tin thông~tin divisione~amministrativa carica~pubblica
    stato~estero sportivo automatic~taxobox paraphyletic~group subspeciesbox"""
)
_INFOBOX = re.compile("|".join(map(re.escape, _INFOBOX_NAMES)))
_NO_BOXES = ("infobox image", "infobox mapframe", "infobox requested", "info/imagem")
# Fields for pictures and for the look of a box.
_LOOKS = re.compile(
    r"""image|imagen|imagem|immagine|^img|bild\b|bild|foto|photo|picture|logo|signature|firma|flag|
    bandeira|bandera|drapeau|seal|coat|shield|escudo|blason|герб|флаг|caption|légende|legende|
    legenda|pie\b|alt$|^map|_map|mapa|karte|carte$|karta|карта|pushpin|.style$|colou?r|farbe|
    couleur|width|height_?px|.size$|größe$|tamaño|align|^lat(?:[dms_]|itude|$)|latitud|longitud|
    ^lon(?:g?[dms_]|gitude|g?$)|_lat|_lon|breitengrad|längengrad|coord|_ref$|^ref|_note|footnote|
    ^note|^nota|url|homepage|^web|sitio|website|embed|module|child|nocat|^sort|^name$|^nom$|
    ^nombre$|^nome$|^titre$|^title$|^título$|^имя$|^название$|^名前$|^名称$|audio|sound|video|
    изображение|подпись|ширина|画像|图像|圖片|图片|說明|说明|キャプション|صورة|تعليق|atvaig|
    zemislop|^header|^above|^below|_link$|_(?:type|title|event)\d*$|position_map|relief|overlay|wikidata|
    ^show_|^hide|zoom""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_FACT = re.compile(
    r"""[0-9.]+\s*(?:px|em|%px) | \#[0-9a-f]{3,8} | (?:https?:)?//.* | .*\.(?:jpe?g|png|svg|gif|
    tiff?|webp|og[gv]|pdf|map)(?:\|.*)? | yes|no|y|n|true|false|auto|none|left|right|center |
    collapsed | [\W_]*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_LABELS = {
    "population_total": "Population",
    "population_estimate": "Population",
    "area_total": "Area",
    "elevation": "Elevation",
    "native_name": "Native name",
    "num_employees": "Employees",
    "key_people": "Key people",
}
_UNITS = {
    "_km2": "km2", "_sq_mi": "sq mi", "_sqmi": "sq mi", "_ha": "ha", "_acre": "acres", "_km": "km",
    "_mi": "mi", "_m": "m", "_ft": "ft", "_cm": "cm", "_kg": "kg",
}  # fmt: skip
_MAX_FACT_LENGTH = 300  # characters
_MAX_LINE_LENGTH = 5000
# `leader_name` belongs to `leader_title`; other pairs have a type or an event.
_PAIRED = re.compile(r"(.+)_(?:name|date|info)([0-9]*)")
_COUNT = re.compile(r"population(?!.*(?:year|rank|date|density|as_of))")
_FIRST_DATA = re.compile(r"(?:label|data)([0-9]+)")
_ITEM = re.compile(r"^[*#:;]+\s*")

_LISTINGS = words(
    "see do buy eat drink sleep listing go learn work vcard destinationslist~item dive "
    "voir faire acheter manger boire~un~verre se~loger sehen kaufen essen übernachten"
)
_LISTED = (
    ("name", "nom", "nome", "nombre"),
    ("alt",),
    ("address", "adresse", "indirizzo", "dirección", "endereço"),
    ("directions", "direction"),
    ("phone", "téléphone", "telefon"),
    ("hours", "horaire", "öffnungszeiten"),
    ("price", "prix", "preis", "prezzo", "precio", "preço"),
)
_PROSE = words(
    """content text description desc descr texte contenu texto contenido descripción descrição
    conteúdo testo contenuto descrizione beschreibung inhalt текст описание содержание опис tekst
    treść opis zawartość inhoud beschrijving 内容 内容1 本文 説明 説明文 正文 نص محتوى وصف body
    shortsummary summary résumé sinopsis sinossi zusammenfassung quote citation comment
    abstract biography content1 content2 content3"""
)
_MIN_PROSE_LENGTH = 5  # words


def infobox(name: str, args: Arguments) -> str | None:
    """Return the facts of an infobox. Their lines are marked to move behind the lead.

    Args:
        name: Normalised name of the template.
        args: Arguments of the template.

    Returns:
        Lines such as `Population: 12,345`; None if the template is not an infobox.
    """
    if _INFOBOX.search(name) is None:
        return None
    if name in _NO_BOXES:
        return ""
    facts: dict[str, None] = {}
    for key, value in args.named.items():
        for line in value.split("\n"):
            if line.startswith(ASIDE):  # a fact of a nested box
                facts[line] = None
        if fact := _fact(key, value, args):
            facts[f"{ASIDE}{fact}"] = None
    return "".join(f"\n{fact}" for fact in facts) + "\n" if facts else ""


def _fact(key: str, value: str, args: Arguments) -> str:
    label = _label(key, args)
    if not label or _LOOKS.search(key):
        return ""
    text = _on_one_line(value)
    if not text or len(text) > _MAX_FACT_LENGTH or _NO_FACT.fullmatch(text):
        return ""
    unit = next((unit for end, unit in _UNITS.items() if key.endswith(end)), "")
    if _COUNT.match(key) and text.isdecimal() and 3 < len(text) < 16:
        text = f"{int(text):,}"
    return f"{label}: {text} {unit}".rstrip() if text[-1:].isdecimal() else f"{label}: {text}"


def _label(key: str, args: Arguments) -> str:
    """Return the label of a field: `label1` for `data1`, `leader_title` for `leader_name`."""
    if numbered := _FIRST_DATA.fullmatch(key):
        is_label = key.startswith("label")
        return "" if is_label else _on_one_line(args.first(f"label{numbered[1]}"))
    if paired := _PAIRED.fullmatch(key):
        names = (f"{paired[1]}_{kind}{paired[2]}" for kind in ("title", "type", "event"))
        if title := args.first(*names):
            return _on_one_line(title)
    plain = next((key.removesuffix(end) for end in _UNITS if key.endswith(end)), key)
    label = _LABELS.get(plain) or " ".join(plain.replace("_", " ").split())
    return label[:1].upper() + label[1:] if not label.isdecimal() else ""


def _on_one_line(value: str) -> str:
    """Write the value of a field on one line, with commas between list items."""
    if "{|" in value:
        return ""
    text = ""
    for line in value.replace(BREAK, "\n").split("\n"):
        item = _ITEM.sub("", line.strip(f"{DROPPED}{GUESS}{GUESS_END} \t"))
        if not item or item.startswith(ASIDE):
            continue
        if len(text) > _MAX_LINE_LENGTH:
            break
        plain = not text or text.endswith((",", ";", ":", "(")) or item[0] in "(,;"
        text += f"{' ' if text else ''}{item}" if plain else f", {item}"
    return text.strip()


def prose(name: str, args: Arguments) -> str:
    """Return the prose in a named argument: `{{see|name=…|content=…}}`.

    Args:
        name: Normalised name of the template.
        args: Arguments of the template.

    Returns:
        A travel guide entry on one line, or other prose on its own lines; empty if there is none.
    """
    content = next((args.named[key] for key in _PROSE if args.named.get(key)), "")
    if name in _LISTINGS:
        facts = [text for keys in _LISTED if (text := args.first(*keys))]
        head = ", ".join(facts).rstrip(".")
        return ". ".join(_on_one_line(part) for part in (head, content) if part.strip())
    if len(content.split()) < _MIN_PROSE_LENGTH and not _is_unspaced_prose(content):
        return ""
    return f"\n{content}\n"


def _is_unspaced_prose(text: str) -> bool:
    return len(text) >= 12 and "。" in text
