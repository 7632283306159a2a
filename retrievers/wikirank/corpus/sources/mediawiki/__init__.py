"""Read a live MediaWiki over its API.

Uses httpx, which is a dependency anyway. mwclient 0.11 was not chosen: it needs requests and
oauthlib, asks for the user's messages with every query, fails on a Retry-After that is a date,
limits neither the size nor the total time of a response, and does not detect changes.
"""
