"""Names of a wiki's namespaces, and link prefixes that stand for other languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MEDIA, _FILE, _TEMPLATE, _CATEGORY = -2, 6, 10, 14
_ENGLISH = {
    _MEDIA: ("media",),
    _FILE: ("file", "image"),
    _TEMPLATE: ("template",),
    _CATEGORY: ("category",),
}
# Dumps do not list namespace aliases such as "Bild:", so files are also known by their suffix:
# no article is called "X:y.jpg".
_SUFFIX_WORDS = (
    "jpg jpeg png gif svg webp tif tiff xcf bmp pdf djvu ogg oga ogv webm opus wav mp3 mp4"
)
_FILE_SUFFIXES = tuple(f".{suffix}" for suffix in _SUFFIX_WORDS.split())
_LANGUAGES_WORDS = """
aa ab ace ady af ak als alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az
azb ba ban bar bat-smg bbc bcl bdr be be-tarask be-x-old bew bg bh bi bjn blk bm bn bo bpy br
bs btm bug bxr ca cbk-zam cdo ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy da dag de
dga din diq dsb dtp dty dv dz ee el eml en eo es et eu ext fa fat ff fi fiu-vro fj fo fon fr
frp frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw gu guc gur guw gv ha hak haw he
hi hif ho hr hsb ht hu hy hyw hz ia iba id ie ig igl ii ik ilo inh io is it iu ja jam jbo jv
ka kaa kab kbd kbp kcg kg kge ki kj kk kl km kn ko koi kr krc ks ksh ku kus kv kw ky la lad lb
lbe lez lfn lg li lij lld lmo ln lo lrc lt ltg lv mad mai map-bms mdf mg mh mhr mi min mk ml
mn mni mnw mo mr mrj ms mt mus mwl my myv mzn na nah nap nb nds nds-nl ne new ng nia nl nn no
nov nqo nr nrm nso nup nv ny oc olo om or os pa pag pam pap pcd pcm pdc pdt pfl pi pih pl pms
pnb pnt ps pt pwn qu rm rmy rn ro roa-rup roa-tara ru rue rup rw sa sah sat sc scn sco sd se
sg sgs sh shi shn si simple sk skr sl sm smn sn so sq sr srn ss st stq su sv sw syl szl szy ta
tay tcy tdd te tet tg th ti tig tk tl tly tn to tpi tr trv ts tt tum tw ty tyv udm ug uk ur uz
ve vec vep vi vls vo vro wa war wo wuu xal xh xmf yi yo yue za zea zgh zh zh-classical zh-min-nan
zh-yue zu
"""
_LANGUAGES = frozenset(_LANGUAGES_WORDS.split())


@dataclass(frozen=True, slots=True)
class NamespaceNames:
    """Lower-case names of the namespaces that need special treatment. English names always count.

    Attributes:
        files: Names for files and images, whose links show a picture.
        media: Names for direct links to a file, whose links show their label.
        templates: Names for templates.
        categories: Names for categories.
    """

    files: frozenset[str] = frozenset(_ENGLISH[_FILE])
    media: frozenset[str] = frozenset(_ENGLISH[_MEDIA])
    templates: frozenset[str] = frozenset(_ENGLISH[_TEMPLATE])
    categories: frozenset[str] = frozenset(_ENGLISH[_CATEGORY])

    @classmethod
    def of(cls, names: Mapping[int, Iterable[str]]) -> NamespaceNames:
        """Add a wiki's own names to the English ones.

        Args:
            names: Names and aliases by namespace number, from the wiki's site information. Other
                namespaces are ignored.

        Returns:
            The wiki's names and the English ones.
        """
        by_number = {
            number: frozenset(english) | {_folded(name) for name in names.get(number, ())}
            for number, english in _ENGLISH.items()
        }
        return cls(by_number[_FILE], by_number[_MEDIA], by_number[_TEMPLATE], by_number[_CATEGORY])

    def is_file(self, prefix: str, rest: str) -> bool:
        """Return whether `[[prefix:rest]]` shows a file."""
        name = _folded(prefix)
        if name in self.files:
            return True
        return name not in self.media and rest.rstrip().lower().endswith(_FILE_SUFFIXES)

    def is_category(self, prefix: str) -> bool:
        """Return whether `[[prefix:…]]` puts the page into a category."""
        return _folded(prefix) in self.categories

    def is_template(self, prefix: str) -> bool:
        """Return whether `{{prefix:…}}` names a template."""
        return _folded(prefix) in self.templates


def is_language(prefix: str) -> bool:
    """Return whether `[[prefix:…]]` links to another language, and so shows no text."""
    return prefix.strip() in _LANGUAGES


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).lower()
