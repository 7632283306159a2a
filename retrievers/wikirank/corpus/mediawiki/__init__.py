"""A live MediaWiki, read over its API: politely, within bounds, and again and again."""
