"""A live MediaWiki, read over its API: politely, within bounds, and again and again.

On httpx, which the engine has anyway. mwclient 0.11 would bring requests and oauthlib, asks for the
user's messages with every query, fails on a Retry-After that is a date, bounds neither the size nor
the whole time of an answer, and leaves it to its caller to tell what changed.
"""
