"""A web page to search an index, and its JSON API. Needs the [serve] extra."""
