"""Abbreviations whose full stop may not end a sentence, in the languages of the larger wikis."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Never the last word of a sentence. Holds only what is not a word in another of these languages.
NEVER_LAST = _words(
    # English
    "dr mr mrs ms mx prof st mt gen rep sen gov capt lt col sgt maj cmdr adm rev hon messrs "
    "mme mlle v vs cf viz e.g i.e "
    # German
    "z.b d.h u.a bzw vgl evtl ggf nr hrsg geb gest sog dt engl frz griech ital poln urspr eigtl "
    "ehem verh verw hl dipl bspw insb insbes inkl exkl zzgl gegr jmd kath evang mhd ahd ü lfd "
    "abk bes betr bez einschl entspr entw erg gesch gez österr südl nördl östl westl "
    # French
    "mm mgr ste av apr ap env c.-à-d p.ex boul faub éd chap réf dép arr "
    # Spanish, Portuguese, Italian
    "sr sra srta srs sras dra dña ud uds vd ee ej pág págs núm avda lic gral cnel tte mons pbro "
    "exmo exma ilmo profa eng séc sig sigg dott avv geom pag pagg "
    # Polish, Dutch
    "ul św tzw prof inż gen płk dhr mevr bijv jhr "
    # Russian, Ukrainian, Bulgarian
    "ул пл св см ср рис стр проф акад тов ред изд напр англ фр лат греч укр исп итал яп "
    "пер бул наб просп пос дер оз обл доц канд ок чл кор инж ген полк вул"
)
# An abbreviation only where a number follows: "No. 5", "c. 1900", "Feb. 3".
BEFORE_NUMBERS = _words(
    "no nos fig figs vol vols p pp eq eqs sec ch art approx c ca b d r fl "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "abb bd bde abs kap s jg ziff tab janv févr avr juil déc ene abr ago dic fev mai dez "
    "n nn num св т вып гл ст п с рис табл №"
)
# The last word of a sentence only if the next word is in `STARTERS`.
SOMETIMES_LAST = _words(
    "inc ltd co corp jr sr etc al bros dept univ assn ave blvd ed "
    "usw chr jh jhd mio mrd tsd str uu ff aa ecc ss enz np ing др пр им гор кит тыс млн млрд руб э"
)
# Units such as years: treated like `SOMETIMES_LAST` after a number, like `NEVER_LAST` elsewhere.
AFTER_NUMBERS = _words("г гг в вв р рр")
# Words that often begin a sentence.
STARTERS = _words(
    "The An This That These Those It Its He His She Her They Their We Our You In On At For As If "
    "When While After Before However But And Also Although There Some Many Most Other Such One "
    "With By From To Since During Under Unlike According Today Then Thus "
    "Der Die Er Sie Es Im Am Nach Seit Als Während Dort Danach Später Diese Dieser Dieses Eine Ein "
    "Il Elle Ils Elles Les Une Dans En Après Cette Ces Depuis Selon "
    "Los Las Una Su Sus Fue Durante Desde Según Este Esta Era Em Uma Após Foi Nel Nella Dopo Fu "
    "Он Она Оно Они В Во На По После Это Эта Этот С Со Из К При Его Её Их Также Вскоре Позже Там "
    "Але Він Вона Після Той Тя През След"
)
# Nouns after a German ordinal: "am 8. Juli", "im 19. Jahrhundert".
ORDINAL_NOUNS = _words(
    "Januar Jänner Februar Feber März April Mai Juni Juli August September Oktober November "
    "Dezember "
    "Jan Feb Mär Apr Jun Jul Aug Sep Sept Okt Nov Dez Jahrhundert Jahrhunderts Jahrhunderte Jh "
    "Jahrtausend Jahrtausends Weltkrieg Weltkriegs Weltkrieges Auflage Lebensjahr Geburtstag "
    "Todestag Bundesliga Liga Spieltag Klasse Kongress Parteitag Wahlperiode Infanterie Armee"
)
GERMAN_ARTICLES = _words(
    "am vom zum zur im beim der die das dem den des ab bis seit jeder jeden jedes einen einem "
    "einer ihr ihre ihren ihrem ihrer sein seine seinen seinem seiner erster"
)
