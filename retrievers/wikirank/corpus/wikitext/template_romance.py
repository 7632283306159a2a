"""Templates of the Spanish, Portuguese, Italian and Catalan wikis."""

from __future__ import annotations

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    constant,
    date_in_words,
    language_text,
    measure,
    named,
    quoted,
    suffixed,
    written_months,
)

_SPANISH = written_months(
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)
_PORTUGUESE = written_months(
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
)
_DATE_FORM = "{day} de {month} de {year}"
_spanish_date = date_in_words(_SPANISH, _DATE_FORM)
_portuguese_date = date_in_words(_PORTUGUESE, _DATE_FORM)


def _birth_or_death(render: Renderer) -> Renderer:
    """Render the first three arguments. Further ones name a field or repeat the date of birth."""
    return lambda args: render(Arguments(args.positional[:3], args.named))


def portuguese_date(args: Arguments) -> str:
    """`{{data|17|10|1973}}`."""
    return _birth_or_death(_portuguese_date)(args)


def _century(word: str) -> Renderer:
    """`{{siglo|XIX||s}}`, `{{séc|XIX}}`: the word, the number, the era."""
    return lambda args: " ".join(part for part in (word, args[1], args[2]) if part)


def _italian_measure(args: Arguments) -> str:
    """`{{M|2000|u=m}}`, `{{M|2000|ul=m}}`, `{{M|2000||m}}`."""
    unit = args.first("u", "ul", "um", "unità") or args[3] or args[2]
    return f"{args[1]} {unit}".strip()


def _biography(args: Arguments) -> str:
    """Write the first sentence of an Italian biography, like the template itself."""
    name = " ".join(
        part for part in (args.first("titolo"), args.first("nome"), args.first("cognome")) if part
    )
    if not name:
        return ""
    birth = _place_and_date(args, "nascita")
    death = _place_and_date(args, "morte")
    life = f"{birth} – {death}" if death else birth
    dates = f" ({life})" if life else ""
    woman = args.first("sesso").upper() == "F"
    works = [args.first(key) for key in ("attività", "attività2", "attività3")]
    occupations = _italian_list([work for work in works if work])
    nationality = args.first("nazionalità") if occupations else ""
    role = f"{occupations} {nationality}".strip()
    verb = ("è stata una" if woman else "è stato un") if death else ("è una" if woman else "è un")
    predicate = args.first("fineincipit")
    if not predicate and role:
        predicate = f"{verb} {role}"
        if after := args.first("postnazionalità"):
            predicate += after if after[0] in ",;." else f" {after}"
    sentence = f"{name}{args.first('postcognome')}{dates} {predicate}".strip()
    return sentence if sentence.endswith(".") else f"{sentence}."


def _place_and_date(args: Arguments, event: str) -> str:
    place = args.first(f"luogo{event}", f"luogo{event}link")
    date = " ".join(
        part for part in (args.first(f"giornomese{event}"), args.first(f"anno{event}")) if part
    )
    return ", ".join(part for part in (place, date) if part)


def _italian_list(items: list[str]) -> str:
    return ", ".join(items[:-1]) + " e " + items[-1] if len(items) > 1 else "".join(items)


ROMANCE: dict[str, Renderer] = {
    **named(
        "fecha fecha~de~nacimiento fecha~de~fallecimiento fecha~de~inicio fecha~de~fin "
        "fecha~de~nacimiento~y~edad fecha~de~defunción nacimiento fallecimiento "
        "data~de~naixement data~de~naixement~i~edat",
        _birth_or_death(_spanish_date),
    ),
    **named(
        "dtlink dtlink/idade data~de~nascimento data~de~falecimento dni morte nascimento dn "
        "data~de~nascimento~e~idade dtext início~data",
        _birth_or_death(_portuguese_date),
    ),
    **named("unidad unidade unid", measure),
    **named("m", _italian_measure),
    **named("fmtn formatonum", argument(1)),
    **named("siglo siglos", _century("siglo")),
    **named("séc séculos", _century("século")),
    "-siglo": _century(""),
    "-séc": _century(""),
    **named("ac a.~c.", constant("a. C.")),
    "dc": constant("d. C."),
    "a.c.": constant("a.C."),
    "d.c.": constant("d.C."),
    **named("esd tutto~attaccato", argument(1)),
    **named(
        """versalita versalitas maiuscoletto cita~requerida citazione~necessaria senza~fonte
        chiarire carece~de~fontes carece~fontes sin~referencia citar~necessário falta~referência""",
        argument(1),
    ),
    **named("enlace~interlingüe enlace~interwiki ilc interlíngua ligação~interlíngua", argument(1)),
    **named("llengua lengua língua lingua", language_text),
    **named("bandera2 bandeira2", argument(1)),
    **named("cita~corta entrecomillado", quoted("«", "»")),
    **named("bio", _biography),
    **named("ord", suffixed(".º")),
}
