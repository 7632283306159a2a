"""Text of templates: known ones in several languages, and unknown ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from wikirank.corpus.wikitext import plain_text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{USS|Enterprise|CVN-65}}, {{HMS|Victory}}", "USS Enterprise (CVN-65), HMS Victory"),
        ("{{ship|USS|Enterprise|CV-6|2}} {{HMAS|Sydney||6}}", "USS Enterprise Sydney"),
        ("{{ship||Titanic}}, {{SMS|Emden||2}}", "Titanic, SMS Emden"),
        ("a {{sclass|Nimitz|aircraft carrier}}", "a Nimitz-class aircraft carrier"),
        ("{{US$|5 million}}, {{¥|500}}, {{CHF|30}}, {{INR|5}}", "US$5 million, ¥500, CHF 30, ₹5"),
        ("{{flag|GER}}, {{fb|BRA}}, {{flag|Peru}}{{flagicon|FRA}}", "Germany, Brazil, Peru"),
        ("for {{USA}}, the {{army|FRA}} and {{GER}}", "for United States, the France Army and "
         "Germany"),
        ("{{H2O}}, {{CO2}}, {{chem|SO|4|2-}}, {{chem|H|2|O}}", "H2O, CO2, SO4 2−, H2O"),
        ("{{chem2|SO4(2-)}} and {{chem|Na|+}}", "SO4 2− and Na+"),
        ("{{nihongo|Tokyo|東京|Tōkyō}}, {{nihongo3|Tokyo|東京|Tōkyō}}, {{nihongo2|東京}}",
         "Tokyo (東京, Tōkyō), Tōkyō (東京, Tokyo), 東京"),
        ("{{lang-zh|t=臺|p=tái}}, {{zh|c=山}}", "臺, tái, 山"),
        ("{{bibleverse|1|Corinthians|3:16|KJV}}, {{bibleverse||Mark|3:25}}, {{bibleref|Mark|3:25}}",
         "1 Corinthians 3:16, Mark 3:25, Mark 3:25"),
        ("{{née|Frost}} {{né|Frost}} {{lit|ice}}", "née Frost né Frost lit. ice"),
        ("{{baseball year|1974}}, {{MLB year|1980}}, {{NBA year|1995}}", "1974, 1980, 1995–96"),
        ("({{NYSE|IBM}}), {{US patent|123}}", "(NYSE: IBM), U.S. patent 123"),
        ("{{ill|Ice|de|Eis}}, {{ill|Ice|de|Eis|lt=the ice}}", "Ice, the ice"),
        ("{{ruby|漢|kan}}, {{1/2}}, {{ordinal|22}}, {{ordinal|11}}", "漢 (kan), 1/2, 22nd, 11th"),
        ("{{percentage|1|3|2}}, {{pct|1|8|1}}, {{percentage|3|4}}", "33.33%, 12.5%, 75%"),
        ("{{val|1.5|+0.2|-0.1|u=m}}, {{val|5|0.1|e=3|ul=kg}}, {{val|5|(2)}}",
         "1.5+0.2−0.1 m, (5±0.1)×10^3 kg, 5(2)"),
        ("{{val|3|u=km|up=s}} {{duration|m=3|s=5}}", "3 km/s 3:05"),
        ("aged {{age|1815|12|10|1852|11|27}}", "aged 36"),
        ("aged {{Age nts|1815|12|10|1852|12|10}}", "aged 37"),
        ("{{date|2001-05-05|mdy}}; {{date|May 5, 2001|dmy}}; {{date|5 May 2001|iso}}",
         "May 5, 2001; 5 May 2001; 2001-05-05"),
        ("{{dts|2001|5|5}}, {{dts|format=dmy|2001|5|5}}", "May 5, 2001, 5 May 2001"),
        ("${{formatprice|1234567}}, ${{inflation|US|3000|1990}}", "$1,234,567, $3000 (1990)"),
        ("the dog{{s}}", "the dog's"),
        ("HA {{eqm}} H+, {{DentalFormula|upper=0.0.2|lower=1.3}}, they was {{sic}}",
         "HA ⇌ H+, 0.0.2/1.3, they was [sic]"),
        ("worth $5 in {{CURRENTYEAR}} dollars", "worth $5 in present-day dollars"),
    ],
)  # fmt: skip
def test_english(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        # French
        ("{{unité|90|km/h}}, {{unité|5|km|2}}, {{nb|12|têtes}}", "90 km/h, 5 km2, 12 têtes"),
        ("au {{s|XX}}, au {{-s-|I|er|av. J.-C.}}, aux {{s2-|XIX|XX}}",
         "au XXe siècle, au Ier siècle av. J.-C., aux XIXe et XXe siècles"),
        ("du {{sp-|XIX|e|au|XX|e|s}}, au {{XIXe siècle}}, XVIII{{e}}",
         "du XIXe au XXe siècle, au XIXe siècle, XVIIIe"),
        ("le {{date|1|mai|2001}}, le {{date|14|7|1789}}, en {{date||mai|2001}}, le {{1er mai}}",
         "le 1er mai 2001, le 14 juillet 1789, en mai 2001, le 1er mai"),
        ("{{M.|Dupont}}, {{Mme|Curie}}, {{n°|5}}, 10{{exp|3}}, {{heure|20|30}}",
         "M. Dupont, Mme Curie, no 5, 10^3, 20 h 30"),
        ("{{Lien|langue=en|trad=Ice|fr=Glace}} et {{Lien|Gel|en|Frost}}", "Glace et Gel"),
        ("{{citation|Allons}} et {{Référence nécessaire|il part|date=mai 2020}}",
         "« Allons » et il part"),
        # German
        ("{{Höhe|2962|DE-NHN}}, {{Höhe|900|CH|link=true}}", "2962 m ü. NHN, 900 m ü. M."),
        ("am {{Datum|8|7|1867}}, {{DatumZelle|1867-07-08}}", "am 8. Juli 1867, 8. Juli 1867"),
        ("{{enS|frost}}, {{§|242|BGB}}, {{\"|Eis}}, {{Zahl|12345}}",
         "frost, § 242 BGB, „Eis“, 12345"),
        # Russian
        ("{{дата|17|10|1973}}, {{СС3|17.10.1973}}, {{число|25000}}, {{s|2000 м}}",
         "17 октября 1973, 17 октября 1973, 25000, 2000 м"),
        ("{{нп5|Лёд||en|Ice}}, {{нп3|Лёд|льда|en|Ice}}, {{lang-en|ice}}, {{итд}}",
         "Лёд, льда, ice, и т. д."),
        # Japanese
        ("{{生年月日と年齢|1973|10|17}}に{{仮リンク|氷|en|Ice|label=氷水}}、{{ルビ|氷|こおり}}、"
         "{{要出典範囲|氷が溶けた|date=2020}}。",
         "1973年10月17日に氷水、氷（こおり）、氷が溶けた。"),
        # Spanish
        ("el {{fecha|17|10|1973}}, {{siglo|XIX||s}}, {{unidad|2000|m}}, {{versalita|XX}}",
         "el 17 de octubre de 1973, siglo XIX, 2000 m, XX"),
        ("{{fecha de fin|17|10|1973}}, {{fecha de nacimiento y edad|17|10|1973}}, "
         "{{fallecimiento|17|10|1973}}, {{data de naixement|17|10|1973}}",
         ", ".join(["17 de octubre de 1973"] * 4)),
        # Italian
        ("{{M|2000|ul=m}}, {{tutto attaccato|5 m}}, {{citazione necessaria|un fatto}}",
         "2000 m, 5 m, un fatto"),
        ("{{Bio|Nome=Ada|Cognome=Gelo|Sesso=F|LuogoNascita=Roma|GiornoMeseNascita=1 maggio"
         "|AnnoNascita=1815|LuogoMorte=Pisa|GiornoMeseMorte=2 giugno|AnnoMorte=1880"
         "|Attività=pittrice|Nazionalità=italiana}}",
         "Ada Gelo (Roma, 1 maggio 1815 – Pisa, 2 giugno 1880) è stata una pittrice italiana."),
        # Portuguese
        ("{{dtlink|17|10|1973}}, {{fmtn|25000}}, {{séc|XIX}}, {{carece de fontes|um fato|data=x}}",
         "17 de outubro de 1973, 25000, século XIX, um fato"),
        ("{{dn|17|10|1973}}, {{data de nascimento e idade|17|10|1973}}",
         "17 de outubro de 1973, 17 de outubro de 1973"),
        # Polish
        ("{{data|1973-10-17}}, {{link-interwiki|Lód|tekst=lodu}}, {{w języku|en|ice}}",
         "17 października 1973, lodu, ice"),
        ("{{data|1973-11-17}}, {{data|1973-12-17}}", "17 listopada 1973, 17 grudnia 1973"),
        # Arabic
        ("ولد في {{تاريخ الميلاد والعمر|1973|10|17}} و{{وإو|تر=Ice|عر=جليد|نص=الجليد}} "
         "{{إنج|ice}}.",
         "ولد في 17 أكتوبر 1973 والجليد ice."),
        # Chinese
        ("{{bd|1900年|1月1日|1980年|2月2日|catidx=x}}，{{link-en|冰会|Ice Society}}，"
         "{{tsl|en|Ice|冰|冰块}}，{{le|冰|Ice}}，{{僻字|龘|dá}}。",
         "1900年1月1日－1980年2月2日，冰会，冰块，冰，龘。"),
    ],
)  # fmt: skip
def test_other_languages(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("The {{nosuch|red}} house.", "The red house."),
        ("It was {{unbekannt|1815|Fuß}} high.", "It was 1815 Fuß high."),
        ("{{inconnu|La glace}} fond.", "La glace fond."),
        ("Of {{thing|Eis|de|Ice}} and {{thing|fr|eau}}.", "Of Eis and eau."),
        ("彼は{{未知|霜山}}に登った。{{未知|霜山}}は高い。", "彼は霜山に登った。霜山は高い。"),
        # in an item or a cell of a table
        ("* the {{nosuch|red}} one", "- the red one"),
        ("{|\n| {{nosuch|red}} || {{nosuch|blue}} one\n|}", "red | blue one"),
        # settings, files, numbers of records, addresses
        ("A {{x|20em}}{{x|a.png}} {{x|tt0115462}} {{x|a/b/c}} {{x|yes}} {{x|snake_case}} b.",
         "A b."),
        # references and notes for editors, after a word or a full stop
        ("Text.{{Sfx|Smith|1990}} Word{{noot|x}} end {{fr icon|x}} {{some note|x}}.",
         "Text. Word end."),
        # notices before the text, and templates that stand alone
        ("{{Notice|Something}}'''Ada''' was.", "Ada was."),
        ("{{notice|word}}\nText.\n* {{record|0709446|Ray}}", "Text."),
        # no text that is long or has several lines
        ("A {{x|a\nb}} c {{x|" + "long " * 20 + "}} d.", "A c d."),
    ],
)  # fmt: skip
def test_unknown_templates(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


def test_a_table_that_a_template_or_a_heading_ends() -> None:
    for end in ("{{end}}", "{{s-end}}", "{{unknown table foot}}"):
        wikitext = f"{{|\n! A\n| b\n{end}\n\n== Next ==\nText.\n{{|\n| c\n|}}"
        assert plain_text(wikitext) == "A: b\n\n== Next ==\nText.\n\nc"
    # a heading within a table that is closed
    assert plain_text("{|\n! A\n|\n== In ==\nb\n|}\nc") == "A: In; b\n\nc"
    assert plain_text("Text {{end}} goes on.") == "Text goes on."


def test_variants_of_chinese_and_serbian() -> None:
    assert plain_text("-{zh-tw:電腦; zh-cn:计算机}-与-{软件}-") == "计算机与软件"
    assert plain_text("-{T|zh-cn:甲;zh-tw:乙}-A-{H|zh-cn:甲; zh-tw:乙;}-B") == "AB"
    assert plain_text("-{A|zh-cn:甲; zh-tw:乙}-和-{R|原}-") == "甲和原"
    assert plain_text("-{zh-hk:[[香港|港]]; zh-tw:-{臺}-}-") == "港"
    assert plain_text("-{Firefox}- je -{sr-ec:бео; sr-el:beo}-") == "Firefox je бео"
    assert plain_text("x -{a;b}- and {{{1|-{c}-}}}") == "x a;b and c"


def test_tabs() -> None:
    assert plain_text("<tabber>A=x {{small|a}}|-|B=y</tabber> z") == "A=x a\nB=y\nz"
    assert plain_text("{{#tag:tabber|A=x{{!}}-{{!}}B=y}}") == "A=x\nB=y"
    assert plain_text('<tabs><tab name="A">x</tab><tab name="B">y</tab></tabs>') == "A x\n\nB y"


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("* {{eat|name=Inn|alt=The I|address=Rd 2|phone=12|hours=9-17|price=$5|content=Good.}}",
         "- Inn, The I, Rd 2, 12, 9-17, $5. Good."),
        ("* {{listing|name=Inn}}", "- Inn"),
        ("{{quelle|beschreibung=Ein Text, der aus Worten besteht.}}",
         "Ein Text, der aus Worten besteht."),
        ("{{fiche|texte=Un texte qui a cinq mots.|style=red}}", "Un texte qui a cinq mots."),
        ("{{see|Other page}}\nText.", "Text."),
        ("{{navbox x|content=The words of a box of links.}}", ""),
    ],
)  # fmt: skip
def test_named_prose(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


def test_facts_of_infoboxes_follow_the_lead() -> None:
    wikitext = """{{Infobox settlement
| name = X
| image = a.jpg
| image_caption = A view
| population_total = 12345
| population_as_of = 2014
| area_total_km2 = 5.2
| founder = {{ubl|[[Ada]]|Bob}}<ref>x</ref>
| leader_title = Mayor
| leader_name = Eve
| website = {{URL|x.org}}
| coordinates = {{coord|1|2}}
| empty =
| colour = #ff0000
}}
'''X''' is a town.

== History ==
Old.
{{Infobox|label1=Built|data1=1815|data2=loose}}

== More ==
x"""
    assert plain_text(wikitext) == (
        "X is a town.\n\nPopulation: 12,345\nPopulation as of: 2014\nArea: 5.2 km2\n"
        "Founder: Ada, Bob\nMayor: Eve\n\n== History ==\nOld.\n\nBuilt: 1815\n\n== More ==\nx"
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Infobox Ort", "Einwohner"), ("Ficha de localidad", "Población"),
        ("Info/Município", "População"), ("Карточка город", "Население"),
        ("НП инфобокс", "Население"), ("صندوق معلومات مدينة", "السكان"), ("Taxobox", "Regnum"),
        ("基礎情報 国", "人口"), ("Bilgi kutusu şehir", "Nüfus"), ("도시 정보상자", "인구"),
    ],
)  # fmt: skip
def test_infoboxes_of_other_languages(name: str, field: str) -> None:
    assert plain_text(f"{{{{{name}\n| {field} = 12 345\n}}}}\nText.") == (
        f"Text.\n\n{field}: 12 345"
    )


def test_a_box_in_a_box_and_one_in_a_table() -> None:
    box = "{{Infobox a|x=1|module={{Infobox b|y=[[z]]}}}}"
    assert plain_text(box) == "X: 1\nY: z"
    assert plain_text(f"{{|\n| {box}\n|}}") == "X: 1; Y: z"


def test_headings_of_level_one() -> None:
    assert plain_text("= A =\nx\n== B ==\ny\n= C =\n== B ==\nz") == (
        "== A ==\nx\n\n=== B ===\ny\n\n== C ==\n\n=== B ===\nz"
    )
    assert plain_text("== A ==\n=== B ===\nx") == "== A ==\n\n=== B ===\nx"
    assert plain_text("= A =\n====== B ======\nx") == "== A ==\n\n====== B ======\nx"


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("It fell at {{Coord|13|19|N|169|9|W|type:event|name=X}}, at sea.",
         "It fell at 13°19′N 169°9′W, at sea."),
        ("At {{coord|48|51|24|N|2|21|8|E|display=inline,title}}.", "At 48°51′24″N 2°21′8″E."),
        ("At {{coord|48.857|-2.352}}.", "At 48.857°, -2.352°."),
        ("At {{coord|43.65|N|79.38|W|region:CA}}.", "At 43.65°N 79.38°W."),
        ("{{coord|1|N|2|E|display=title}}\nText.", "Text."),
        ("The formula {{Carbon}}<sub>2</sub>{{Hydrogen}}<sub>6</sub>.", "The formula C2H6."),
        ("Outside {{OV|099}} on a mission.", "Outside OV-099 on a mission."),
        ("Marie Curie, {{née}} Skłodowska, {{b.}} 1867, {{d.|1934}}.",
         "Marie Curie, née Skłodowska, b. 1867, d. 1934."),
        ("In {{music|time|3|4}} time, on {{music|Bb}} and a {{music|flat}}.",
         "In 3/4 time, on Bb and a ♭."),
        ("{{blockquote|content=Long words.|author=Me}}", "Long words.\n— Me"),
    ],
)  # fmt: skip
def test_a_sentence_keeps_what_stood_in_it(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


def test_an_age_of_one_date_is_that_of_today() -> None:
    before = datetime.now(UTC).year
    text = plain_text(f"He is {{{{age|{before - 30}|1|1}}}} years old.")
    after = datetime.now(UTC).year
    assert text in {f"He is {year - before + 30} years old." for year in (before, after)}


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("If {{math|x {{=}} 2}} holds.", "If x = 2 holds."),
        ("If {{nowrap|{{math|''a'' {{=}} ''b''}} or less}}.", "If a = b or less."),
        ("See {{nowrap|[[Equation|e = mc]]}} there.", "See e = mc there."),
        ("{{quote|{{math|x{{=}}1}} it says.|author=A{{=}}B}}", "x=1 it says.\n— A=B"),
        ("{{nowrap|1=a = b}} as a number", "a = b as a number"),
        ("{{#if:{{=}}|{{nowrap|a {{=}} b}}|no}}", "a = b"),
    ],
)
def test_an_equals_sign_of_a_template_within_names_no_argument(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text
