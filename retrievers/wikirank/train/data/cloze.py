"""Turn a statement into a question about something that it names, dates or counts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from types import MappingProxyType

from wikirank.train.data.prose import FUNCTION_WORDS, STOP, content_words, word_set, words
from wikirank.train.data.titles import is_trade

AUXILIARIES = word_set("was were is are had has have can could will would may must did does do")
# Verbs of events, past tense to base form: "X released Y" becomes "when did X release Y".
PAST = MappingProxyType(
    dict(
        pair.split(":")
        for pair in word_set(
            """
            acquired:acquire adopted:adopt announced:announce appeared:appear approved:approve
            became:become began:begin bought:buy built:build changed:change coined:coin
            completed:complete conquered:conquer created:create defeated:defeat
            demonstrated:demonstrate designed:design developed:develop died:die discovered:discover
            drew:draw ended:end established:establish expanded:expand filed:file formed:form
            founded:found gained:gain introduced:introduce invaded:invade invented:invent
            issued:issue joined:join launched:launch lost:lose married:marry merged:merge moved:move
            opened:open passed:pass presented:present produced:produce proposed:propose
            published:publish raised:raise reached:reach received:receive released:release
            returned:return signed:sign sold:sell started:start won:win wrote:write
            """
        )
    )
)
# Those of these verbs that always have an object. `PRESENT` has some more in the present tense.
TRANSITIVE = PAST.keys() & word_set(
    "acquired adopted announced approved bought built coined created demonstrated designed"
    " developed discovered established introduced invented issued launched presented produced"
    " proposed published received released signed sold won"
)
PRESENT = word_set("uses provides requires supports offers produces contains combines defines")
# Verbs whose subject is a person: "who proposed it".
OF_PEOPLE = word_set(
    "wrote argued proposed invented discovered coined said founded designed described married died"
    " published developed suggested stated drew won directed composed painted"
)
# Past participles that differ from the past tense.
PAST_OF_PARTICIPLE = MappingProxyType({"written": "wrote", "sung": "sang", "drawn": "drew"})


_DEFINES = re.compile(r"(?:an?|the|one|not|also|only|it|that)\b")
_PRONOUNS = word_set("he she it they this that these those there we i you")
_DETERMINERS = word_set("the a an its their his her this that newly recently")
_IN_NAMES = word_set("of the and for")
_PREPOSITIONS = word_set("in on by at when after during with as for from since to if")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DATE = rf"(?:the )?(?:(?:early|mid|late)[ -])?(?:\d{{1,2}} )?(?:{_MONTH}(?: \d{{1,2}},)? )?\d{{4}}"
_LEADING_DATE = re.compile(rf"^(?:In|On|By) {_DATE}\b(?!s|[–-]),? (?=\S)")
_INNER_DATE = re.compile(rf" (?:in|on) {_DATE}(?![\w–-])(?= |$|,|\.)")
_BE = ("is", "are", "was", "were")
_OBJECT = re.compile(
    r"^(?P<subject>[A-Z][\w’'-]*(?: [\w’'-]+){0,4}) "
    rf"(?P<verb>{'|'.join(sorted(TRANSITIVE | PRESENT))}) "
    r"(?:an?|the|its|their|his|her|[A-Z]\w+)(?: [\w’'-]+){0,4}? "
    r"(?P<rest>(?:to|for|from|at|with|in|on|against|during|after|through|as|between) .+)$"
)
_BROKEN = re.compile(r",| and | which | who | that | while | because ")
_NAME = r"[A-Z][\w’'-]*\.?(?: (?:of|the|and|de|van|von|for|[A-Z0-9][\w’'-]*\.?)){0,6}"
_SUBJECT = re.compile(rf"^(?:The )?(?P<name>{_NAME}) (?P<verb>[a-z]+) (?P<rest>.+)$")
_BY = re.compile(
    rf"^(?P<subject>[^,;]{{3,80}}?) (?P<be>was|were) "
    r"(?P<verb>[a-z]+ed|written|built|drawn|led|sung)"
    rf"(?P<between>[^,;]{{0,60}}?) by (?P<name>{_NAME})"
    r"(?=$|,| (?:in|on|at|for|to|with|from|during|after|as)\b)(?P<rest>[^,;]*)"
)
_PERSON_NAME = re.compile(r"(?:[A-Z][a-zé’'-]+|[A-Z]\.)(?: [A-Z][a-zé’'-]+| [A-Z]\.){1,3}")
_NUMBER_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty"
)
_COUNT = re.compile(
    rf"(?<![\w.,])(?:(?:about|over|nearly|some|around|approximately|more than) )?"
    rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,3}}|{_NUMBER_WORDS})(?: (?:million|billion|thousand))? "
    rf"(?P<noun>(?:[a-z-]+ )?(?:people|[a-z]{{3,}}s))\b",
    re.IGNORECASE,
)
_NOT_COUNTED = word_set("years months days hours minutes seconds times percents is was has")
_BLANKED = re.compile(
    rf"(?<=[a-z] ){_PERSON_NAME.pattern}(?=$|,| (?:in|to|from|at|and|is|was|for|with|on|as)\b)"
)
_BLANK_WORDS = (9, 22)
_BLANK_SHARE = 0.25  # of the sentences that cannot be turned into a question
_NEXT_CLAUSE = re.compile(
    r", (?=but |which |who |where |while |although |whose |it |he |she |they )|;"
)
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_CONNECTIVE = re.compile(
    r"^(?:However|Therefore|Thus|Moreover|Furthermore|For example|For instance|In addition|Today"
    r"|As a result|Additionally|Consequently|Similarly|Later|Finally|Also), "
)


def cloze_question(
    sentence: str, rng: random.Random, *, title: str = "", person: bool = False
) -> str | None:
    """Turn a statement into a question.

    Args:
        sentence: One whole sentence that can be understood alone.
        rng: Chooses what to ask for if the sentence says several things.
        title: Subject of the article. A sentence that defines it can become a question for it.
        person: Whether the subject is a person.

    Returns:
        A question such as `when was the lighthouse built from yellow sandstone`; sometimes the
        sentence with a blank if no question fits; None if there is nothing to ask for.
    """
    plain = _BRACKETS.sub("", sentence).strip().rstrip(".!?")
    plain = _CONNECTIVE.sub("", plain)
    if '"' in plain or "“" in plain or ";" in plain or ":" in plain or len(words(plain)) < 5:
        return None
    plain = plain[:1].upper() + plain[1:]
    askers: list[Callable[[str], str | None]] = [_when, _who_did, _what_is, _how_many, _why]
    askers += [_what_did, partial(_which, title=title, person=person)]
    rng.shuffle(askers)
    for ask in askers:
        question = ask(plain)
        if question and _asks_enough(question):
            return _varied(question, rng)
    return _blank(plain, rng) if rng.random() < _BLANK_SHARE else None


def _when(plain: str) -> str | None:
    """`It was built in 1871 from stone` → `when was it built from stone`."""
    matches = list(_INNER_DATE.finditer(plain)) or list(_LEADING_DATE.finditer(plain))
    if len(matches) != 1 or len(re.findall(r"\b\d{4}\b", plain)) != 1:
        return None
    start, end = matches[0].span()
    head, tail = plain[:start], plain[end:]
    if not head:
        return _inverted(tail[:1].upper() + tail[1:], "when")
    if _BROKEN.search(head):
        return None
    question = _inverted(head, "when")
    return f"{question}{_first_clause(tail)}" if question else None


def _inverted(clause: str, question_word: str) -> str | None:
    """Invert a clause: put its first verb before its subject."""
    tokens = _first_clause(clause).split()
    for index, token in enumerate(tokens[1:8], start=1):
        subject = _lowered(" ".join(tokens[:index]))
        rest = " ".join(tokens[index + 1 :])
        if subject.lower() in _PRONOUNS:
            return None
        if token in AUXILIARIES:
            if question_word == "when" and (token not in ("was", "were") or _DEFINES.match(rest)):
                return None
            return f"{question_word} {token} {subject} {rest}".rstrip()
        if token in PAST and tokens[index - 1].lower() not in _DETERMINERS:
            return f"{question_word} did {subject} {PAST[token]} {rest}".rstrip()
        if token in FUNCTION_WORDS - _IN_NAMES:
            return None
    return None


def _who_did(plain: str) -> str | None:
    """`The tower was designed by Ilse Marn` → `who designed the tower`."""
    match = _BY.match(plain)
    if match is None or _BROKEN.search(match["subject"]):
        return None
    if not AUXILIARIES.isdisjoint(match["subject"].split()):
        return None
    if match["subject"].split()[0].lower() in _PREPOSITIONS:
        return None
    verb = PAST_OF_PARTICIPLE.get(match["verb"], match["verb"])
    subject = _lowered(match["subject"])
    return f"who {verb} {subject}{match['between']}{match['rest']}".rstrip()


def _what_is(plain: str) -> str | None:
    """`Photosynthesis is the process by which …` → `what is the process by which …`."""
    match = _SUBJECT.match(plain)
    if match is None:
        return None
    name, verb, rest = match["name"], match["verb"], match["rest"]
    if name in rest or name.split()[-1][:1].islower() or name.lower() in STOP:
        return None
    person = _PERSON_NAME.fullmatch(name) is not None
    if person and verb in OF_PEOPLE:
        return f"who {verb} {_first_clause(rest)}"
    # Every sentence starts with a capital, so `name` may be no name. A definition is safe to ask.
    if verb in _BE and re.match(r"(?:an?|the|one of) ", rest):
        return (
            f"what {verb} {_first_clause(rest)}"
            if not is_trade(rest)
            else (f"who {verb} {_first_clause(rest)}" if person else None)
        )
    return None


def _which(plain: str, *, title: str, person: bool) -> str | None:
    """`A glacier is a body of ice that moves` → `what is a body of ice that moves`."""
    about = (
        rf"(?:The |An? )?{re.escape(title)}s? "
        rf"(?P<be>{'|'.join(_BE)}) (?P<rest>(?:an?|the|one of) .+)"
    )
    match = re.fullmatch(about, plain, re.IGNORECASE) if title else None
    if match is None:
        return None
    word = "who" if person or is_trade(match["rest"]) else "what"
    return f"{word} {match['be']} {_first_clause(match['rest'])}"


def _why(plain: str) -> str | None:
    """`The tower was closed because the stone was soft` → `why was the tower closed`."""
    head, because, _ = plain.partition(" because ")
    return _inverted(head.rstrip(","), "why") if because and not _BROKEN.search(head) else None


def _what_did(plain: str) -> str | None:
    """`The company sold its robots to Ford` → `what did the company sell to Ford`."""
    match = _OBJECT.match(plain)
    if match is None or _BROKEN.search(match["subject"]) or " " not in match["rest"]:
        return None
    leading, *others = match["subject"].lower().split()
    if leading in _PREPOSITIONS or not STOP.isdisjoint(others):
        return None
    subject, verb, rest = _lowered(match["subject"]), match["verb"], _first_clause(match["rest"])
    if verb in TRANSITIVE:
        return f"what did {subject} {PAST[verb]} {rest}"
    return f"what does {subject} {verb[:-1]} {rest}"


def _how_many(plain: str) -> str | None:
    """`Forty masons worked on it` → `how many masons worked on it`."""
    match = _COUNT.search(plain)
    if match is None or len(_COUNT.findall(plain)) != 1:
        return None
    noun = match["noun"]
    if noun.split()[-1].lower() in _NOT_COUNTED or noun.split()[0].lower() in STOP:
        return None
    head, tail = plain[: match.start()].rstrip(), plain[match.end() :]
    if not head:
        return f"how many {noun}{_first_clause(tail)}"
    has = re.fullmatch(r"(?P<subject>[^,;]{3,60}) (?P<verb>has|have|had)", head)
    if has:
        helper = {"has": "does", "have": "do", "had": "did"}[has["verb"]]
        subject = _lowered(has["subject"])
        return f"how many {noun} {helper} {subject} have{_first_clause(tail)}"
    first, last = head.lower().split()[0], head.lower().split()[-1]
    ordered = last in _DETERMINERS or last in ("first", "last", "top")  # "the first three kings"
    if (
        first in _PREPOSITIONS
        or ordered
        or tail.startswith(",")
        or _BROKEN.search(head)
        or len(words(head)) > 8
    ):
        return None
    return f"{_lowered(head)} how many {noun}{_first_clause(tail)}"


def _blank(plain: str, rng: random.Random) -> str | None:
    """Replace a name by a blank."""
    matches = list(_BLANKED.finditer(plain))
    if not matches or not _BLANK_WORDS[0] <= len(words(plain)) <= _BLANK_WORDS[1]:
        return None
    start, end = rng.choice(matches).span()
    if plain[start:end] in plain[:start] + plain[end:]:
        return None
    return f"{plain[:start]}____{plain[end:]}"


def _first_clause(text: str) -> str:
    """Cut a text where its second clause begins."""
    clause = _NEXT_CLAUSE.split(text)[0]
    # If there are several commas, ", and" is part of a list: "roads, rails, and harbours".
    return clause.split(", and ")[0] if clause.count(",") == 1 else clause


def _lowered(subject: str) -> str:
    """Lower-case a subject's first letter, unless its first word may be a name."""
    first = subject.split(" ", 1)[0]
    if first.lower() in STOP:
        return subject[:1].lower() + subject[1:]
    return subject


def _asks_enough(question: str) -> bool:
    return len(set(content_words(question))) >= 3 and len(words(question)) <= 25


def _varied(question: str, rng: random.Random) -> str:
    """Return the question as written text or, half of the time, as typed in a search box."""
    if rng.random() < 0.5:
        return question.lower()
    return question[:1].upper() + question[1:] + "?"
