"""English words that say how a question is asked, not what it is about."""

from __future__ import annotations

STOPWORDS = (
    "a about an and any are as at be been being but by can could did do does done for from had has"
    " have he her his how i if in into is it its many me more most much my no not of on or our she"
    " should so some such than that the their them then there these they this those to us was we"
    " were what when where which who whom whose why will with would you your"
)
