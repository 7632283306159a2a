"""Recognise disambiguations, lists and redirects in the languages of the larger Wikipedias."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Literal

PageKind = Literal["article", "disambiguation", "list"]

# Templates; `~` stands for a space.
_DISAMBIGUATION_NAMES = """
aimai anlam~ayrımı begriffsklärung bisongidila dab desambig desambiguació desambiguación
desambiguação disamb disambig disambig-plants disambigua disambiguate disambiguation
disambiguation~cleanup disambiguation~page dp dubbelsinnig egyért flertydig förgrening geodis
hndis hndis-cleanup homonimo homonymie hospital~disambiguation human~name~disambiguation
letter-number~combination~disambiguation mathdab meerduidige mehrdeutig
molecular~formula~disambiguation neoznačnost nozīmju~atdalīšana numberdis nūzeimu~atškiršona
zeimeibu~škiršona place~name~disambiguation razločitev rozcestník roaddis
school~disambiguation stationdis
täsmennyssivu taxonomy~disambiguation ujednoznacznienie wp~disambig dezambiguizare αποσαφήνιση
багатозначність мног неоднозначность неоднозначност неоднозначність пояснение
вишезначна~одредница פירושונים توضيح ابهام‌زدایی หน้าแก้ความกำกวม 曖昧さ回避 消歧义 消歧義 동음이의
"""
_DISAMBIGUATION = frozenset(name.replace("~", " ") for name in _DISAMBIGUATION_NAMES.split())
_LIST_TITLES = (
    "list of ", "lists of ", "index of ", "outline of ", "liste der ", "liste von ", "liste des ",
    "liste de ", "lista de ", "lista di ", "lista degli ", "lijst van ", "lista över ",
    "liste over ", "список ", "списък ", "списъци ", "перелік ", "lista ", "seznam ", "zoznam ",
    "saroksts", "saraksts ",
)  # fmt: skip
_LIST_CATEGORIES = ("lists of ", "listen", "liste de", "списъци", "списки", "списки:")
_REDIRECT_WORDS_TEXT = """
aanstuur aastiurey adkas aicos aikos ail-cyfeirio ailgyfeirio alidirekto alidirektu alih
ancaminar athsheoladh ayday ayıraw aýdaw aýiraw baw-ing beralîkirin birzuzendu daveadkas
deurverwiezing doorverwijs doorverwijzing doorverwysing istiqamətləndirmə i̇stiqamətləndirmə
lencong lh ligação ohjaa ohjaus omdiriger omdirigering omdirigert pateikimas patrz
peradresavimas poʻnaltirish presmeruj preusmeritev preusmjerava preusmjeravanje preusmjeri
przekierowanie przekieruj pāradresācija pāradresēt přesměruj rederict redir redireccion
redirecció redirección redirecionamento redirecionar redirect redirecteaza redirecteer
redirection redirecționare ridrejto rindirizz rindirizza rinvia saadaq stir suuna suunamine
suunata tam tilvísun trimite uudelleenohjaus uzelten viderestilling weiterleitung wiederleiden
yo'naltirish yoʻnaltirish yönlendir yönlendirme yönlendi̇r yönlendi̇rme yünältü átirányítás
ömleidung đổi đổi_hướng ανακατευθυνση ανακατευθυνσησ айдау багыттама види виж виш
перанакіраванне перанакіраваньне перенапр перенаправление перенаправлення перенапрямлення
пренасочване пренасочи пренасочување преусмерава преусмери преусмјери прѣнаправлєниѥ
пърънасочване равона равонакунӣ юнәлтеү юнәлтү վերահղում הפניה ווייטערפירן ايداۋ تحويل
تغییر_مسیر تغییرمسیر دەستکاری رجوع رجوع_مکرر رجوع_مکرّر قايتا_نىشانلاش ياندۇرۇش پیوند چوريو
ڕەوانەکردن अनुप्रेषित पुनर्निदेशन पुनर्निर्देशन पुनर्प्रेषित পুনঃনির্দেশনা পুননির্দেশ
পুনর্নির্দেশ পুনর্নির্দেশনা রিডাইরেক্ট ਰੀਡਿਰੈਕਟ દિશામાન રીડાયરેક્ટ ପୁନଃପ୍ରେରଣ ଲେଉଟାଣି வழிமாற்று
దారిమార్పు ಪುನರ್ನಿರ್ದೇಶನ തിരിച്ചുവിടുക തിരിച്ചുവിടൽ යළියොමුව เปลี่ยนทาง ປ່ຽນທາງ ໂອນໄປ ပြန်ညွှန်း
ပြန်လည်ညွှန်း გადამისამართება បញ្ជូនបន្ត ប្ដូរទីតាំង ប្ដូរទីតាំងទៅ ប្តូរទីតាំង ប្តូរទីតាំងទៅ
リダイレクト 跳轉 跳转 転送 重定向 重新导向 重新導向 넘겨주기 다시_넘겨주기
"""
_REDIRECT_WORDS = frozenset(unicodedata.normalize("NFC", _REDIRECT_WORDS_TEXT).split())


def is_disambiguation(title: str, templates: Collection[str], magic_words: Collection[str]) -> bool:
    """Return whether the title, the templates or the magic words mark a disambiguation page."""
    return (
        "DISAMBIG" in magic_words
        or title.lower().endswith(("(disambiguation)", "(пояснение)", "(begriffsklärung)"))
        or any(name in _DISAMBIGUATION for name in templates)
    )


def is_list(title: str, categories: Collection[str]) -> bool:
    """Return whether the title or the categories mark a list, an index or an outline."""
    return title.lower().startswith(_LIST_TITLES) or any(
        category.lower().startswith(_LIST_CATEGORIES) for category in categories
    )


def page_kind(
    title: str,
    *,
    templates: Collection[str],
    magic_words: Collection[str],
    categories: Collection[str],
) -> PageKind:
    """Return the kind of a page: `article`, `disambiguation` or `list`."""
    if is_disambiguation(title, templates, magic_words):
        return "disambiguation"
    return "list" if is_list(title, categories) else "article"


def is_redirect_word(word: str) -> bool:
    """Return whether `#word` starts a redirect in some language."""
    return unicodedata.normalize("NFC", word.lower()) in _REDIRECT_WORDS
