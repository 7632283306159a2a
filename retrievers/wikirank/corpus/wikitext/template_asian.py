"""Templates of the Japanese, Chinese, Korean and Arabic wikis."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    date_in_words,
    drop,
    either,
    language_text,
    named,
    prefixed,
    suffixed,
    written_months,
)

_KANA = re.compile(r"[\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\sー・]+")
_DAY = "{year}年{month}月{day}日"
_KOREAN_DAY = "{year}년 {month}월 {day}일"
_ARABIC = written_months(
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر"
)
_DIGITS = {str(number): str(number) for number in range(1, 13)}
_eastern_date = date_in_words(_DIGITS, _DAY, year_first=True)
_korean_date = date_in_words(_DIGITS, _KOREAN_DAY, year_first=True)
_arabic_date = date_in_words(_ARABIC)


def with_reading(args: Arguments) -> str:
    """Return a word and its reading: `{{ruby|漢字|かんじ}}` gives 漢字（かんじ）."""
    word, reading = args[1], args[2]
    if not word or not reading:
        return word or reading
    return f"{word}（{reading}）" if _KANA.fullmatch(reading) else f"{word} ({reading})"


def _first_three(render: Renderer) -> Renderer:
    return lambda args: render(Arguments(args.positional[:3], args.named))


def _death_date(args: Arguments) -> str:
    """`{{死亡年月日と没年齢|1900|1|1|1980|2|2}}`: the later of the two dates."""
    return _eastern_date(Arguments(args.positional[3:6] or args.positional, args.named))


def _life(args: Arguments) -> str:
    """`{{bd|1900年|1月1日|1980年|2月2日}}`."""
    born, died = args[1] + args[2], args[3] + args[4]
    return f"{born}－{died}" if died else born


def interlanguage(args: Arguments) -> str:
    """Return the label of a link to another wiki, or else the name of the missing article."""
    return args.first("label", "lt", "display", "d") or args[1]


def _chinese_link(args: Arguments) -> str:
    """`{{link-en|中文|English|label}}`, `{{le|…}}`."""
    return args.first("d", "label") or args[3] or args[1]


def _chinese_language_link(args: Arguments) -> str:
    """`{{tsl|en|English|中文|label}}`, `{{translink|…}}`."""
    return args[4] or args[3] or args[2]


def chinese_link(name: str) -> Renderer | None:
    """Return the renderer of `{{link-en|…}}`, for any language; None for other templates."""
    return _chinese_link if name.startswith(("link-", "internal link helper/")) else None


ASIAN: dict[str, Renderer] = {
    # Japanese
    **named(
        "読み仮名 読み仮名~ruby不使用 ふりがな ルビ ruby ruby-ja ruby-inline 読み",
        with_reading,
    ),
    **named("仮リンク ill2 illm", interlanguage),
    **named("生年月日と年齢 生年月日 没年月日 年月日 日付", _first_three(_eastern_date)),
    **named("死亡年月日と没年齢 没年齢", _death_date),
    "和暦": suffixed("年"),
    **named(
        """要出典範囲 要検証範囲 jis2004フォント cp932フォント 補助漢字フォント フォント
        機種依存文字 改行禁止 独自研究範囲 要説明範囲 cjk~compatibility 小""",
        argument(1),
    ),
    **named("要出典 要検証 誰 いつ 要説明 独自研究 脚注 注釈 出典", drop),
    # Chinese
    **named("le", _chinese_link),
    **named("tsl translink ilh internal~link~helper", _chinese_language_link),
    **named("bd 生卒", _life),
    **named("生日 出生日期 死亡日期", _first_three(_eastern_date)),
    **named("僻字 僻字2 僻字3 專名號 专名号 書名號 书名号 小字", argument(1)),
    **named("來源請求 来源请求 noteta 谁 何时", drop),
    # Korean
    **named("한자", lambda args: f"{args[1]}({args[2]})" if args[2] else args[1]),
    **named("출생일과~나이 출생일 사망일", _first_three(_korean_date)),
    **named("언어링크 빈링크", argument(1)),
    **named("출처 각주", drop),
    # Arabic
    **named(
        "تاريخ تاريخ~الميلاد تاريخ~الميلاد~والعمر تاريخ~الوفاة تاريخ~الوفاة~والعمر تاريخ~البدء",
        _first_three(_arabic_date),
    ),
    **named("وإو وصلة~إنترويكي وصلة~انترويكي", either("نص", "عر", 1)),
    **named(
        "إنج فر ألم إسب إيط لات رو يون عبر فار ترك مصغر صغير",
        argument(1),
    ),
    **named("لغة لغات", language_text),
    **named("علم2 علم~الدولة", argument(1)),
    **named("قرن", prefixed("القرن ")),
    **named("هـ هجري", suffixed(" هـ")),
    **named("ميلادي", suffixed(" م")),
    **named("بحاجة~لمصدر بحاجة~لتوضيح شريط~بوابات تصنيف~كومنز ضبط~استنادي", drop),
}
