"""Templates of the Russian, Ukrainian and Bulgarian wikis."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    before,
    constant,
    date_in_words,
    drop,
    either,
    joined,
    language_text,
    measure,
    named,
    suffixed,
    written_months,
)

_MONTHS = written_months(
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
)
_UKRAINIAN = written_months(
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"
)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,4})")


def _date(months: Mapping[str, str]) -> Renderer:
    """Render a date of three arguments in either order, or of one: `{{СС|17.10.1973}}`."""
    in_words = date_in_words(months)

    def render(args: Arguments) -> str:
        dotted = _DOTTED.fullmatch(args[1])
        parts = dotted.groups() if dotted else args.positional[:3]
        return in_words(Arguments(parts, args.named))

    return render


RUSSIAN: dict[str, Renderer] = {
    **named(
        "дата дата~рождения датарождения дата~смерти датасмерти др дс сс сс3 сс2 "
        "дата~начала дата~конца",
        _date(_MONTHS),
    ),
    **named("дата~народження дата~смерті", _date(_UKRAINIAN)),
    "старый стиль": joined(" "),
    **named("число формат~числа", argument(1)),
    **named("значение величина", measure),
    **named("год", suffixed(" год")),
    **named("века", suffixed(" века")),
    **named("век", suffixed(" век")),
    **named(
        "нп нп1 нп2 нп3 нп4 нп5 не~переведено не~переведено~2 не~переведено~3 iw нет~статьи",
        either(2, 1),
    ),
    **named("не~перекладено", either(2, 1)),
    **named(
        """comment подсказка ударение абр аббр нобр мелко крупно лат цс малый""",
        argument(1),
    ),
    **named("флагификация флаг2 страна прапор2", argument(1)),
    **named("россия рф", constant("Россия")),
    **named("ссср", constant("СССР")),
    **named("украина", constant("Украина")),
    **named("германия", constant("Германия")),
    **named("франция", constant("Франция")),
    **named("сша", constant("США")),
    **named("великобритания", constant("Великобритания")),
    **named("итд и~т.~д.", constant("и т. д.")),
    **named("итп и~т.~п.", constant("и т. п.")),
    **named("др. и~др.", constant("и др.")),
    "гг": constant("гг."),
    "г.": before("г."),
    "тыс": constant("тыс."),
    "млн": constant("млн"),
    "млрд": constant("млрд"),
    "кв. км": constant("км²"),
    "кв.км": constant("км²"),
    "м²": constant("м²"),
    "км²": constant("км²"),
    **named("рубль рублей", suffixed(" ₽")),
    **named("мовою", language_text),
    **named(
        "нет~аи аи проверено прим сн комм источник? стиль~изложения уточнить кто? когда? где?",
        drop,
    ),
}
