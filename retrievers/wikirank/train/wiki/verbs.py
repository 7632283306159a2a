"""The English verbs of which questions are made."""

from __future__ import annotations

from types import MappingProxyType

from wikirank.train.wiki.prose import word_set

AUXILIARIES = word_set("was were is are had has have can could will would may must did does do")
# Verbs of happenings: past tense to base form, "X released Y" to "when did X release Y".
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
# Those of them that always have an object, and some such in the present tense.
TRANSITIVE = PAST.keys() & word_set(
    "acquired adopted announced approved bought built coined created demonstrated designed"
    " developed discovered established introduced invented issued launched presented produced"
    " proposed published received released signed sold won"
)
PRESENT = word_set("uses provides requires supports offers produces contains combines defines")
# What a person does: "who proposed it".
OF_PEOPLE = word_set(
    "wrote argued proposed invented discovered coined said founded designed described married died"
    " published developed suggested stated drew won directed composed painted"
)
# Past participles that are not the past tense.
PAST_OF_PARTICIPLE = MappingProxyType({"written": "wrote", "sung": "sang", "drawn": "drew"})
