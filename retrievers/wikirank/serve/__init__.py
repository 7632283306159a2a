"""A local page to ask an index, and the JSON API beneath it; needs the [serve] extra."""
