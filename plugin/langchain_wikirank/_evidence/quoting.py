"""Quote wiki text, so that a model cannot mistake it for instructions or miss hidden parts.

Invisible characters are removed. Text that looks like our delimiters, citations or the markup of
chat templates is rewritten with similar characters, so that it still reads the same.
"""

from __future__ import annotations

import re
from urllib.parse import quote

OPENING, CLOSING = "«", "»"
"""Delimiters of quoted text, which never contains them. A tag would cost seven tokens."""

# Format characters (zero width, bidi, tags, hieroglyphs'), variation selectors, blank letters,
# soft hyphen.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U00013440\U00013447-\U00013455\U00016fe4\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LINE_BREAK = re.compile("\r\n?|[\u2028\u2029\u0085\v\f\x1c-\x1e]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")

# Our delimiters, and characters that look like them.
_QUOTES = str.maketrans(
    {
        "«": "“",
        "»": "”",
        "≪": "<<",
        "≫": ">>",
        "《": "〈",
        "》": "〉",
        "⟪": "⟨",
        "⟫": "⟩",
    }
)
# Markup of chat templates: known names in angle brackets, or with bars such as <|user|>.
_OPEN, _SHUT, _BAR = "[<＜﹤‹⟨〈〈˂ᐸ❮❬]", "[>＞﹥›⟩〉〉˃ᐳ❯❭]", "[|｜￨¦│┃❘∣ǀ⏐︱]"
_NAMES = (
    "s|bos|eos|pad|unk|mask|cls|sep|sop|eop|eot|eom|eoh|eoa|gmask|endoftext|"
    "sys|system|assistant|user|human|model|developer|tools?|functions?|function_calls?|"
    "function_results?|function_response|tool_calls?|tool_results?|tool_responses?|"
    "tool_outputs?|available_tools|invoke|parameters?|think|thinking|reasoning|observation|"
    r"im_(?:start|end)|(?:start|end|begin)_of_\w{1,20}|(?:start|end)_header_id|"
    r"image_soft_token|\w{1,20}_token|(?:unused|reserved_|special_|extra_id_)\d{1,4}|"
    r"(?:antml|seed):\w{1,20}"
)
_TAG = re.compile(
    rf"{_OPEN}(?={_BAR}|\s*/?\s*(?:{_NAMES})\b[^<>\n]{{0,200}}{_SHUT})", re.IGNORECASE
)
_BRACKETED = re.compile(
    r"\[(\s*/?\s*(?:INST|SYS(?:TEM)?(?:_PROMPT)?|ASSISTANT|USER|TOOL_(?:CALLS?|RESULTS?|CONTENT)"
    r"|AVAILABLE_TOOLS|CALL_ID|ARGS|IMG(?:_BREAK|_END)?|PREFIX|SUFFIX|MIDDLE|MODEL_SETTINGS"
    r"|THINK|(?:BEGIN_)?AUDIO|TRANSCRIBE|g?MASK|CLS|SEP|PAD|UNK|BOS|EOS"
    r"|(?:unused|UNUSED_TOKEN_|control_)\d{1,4})\s*)\]",
    re.IGNORECASE,
)
_TILDE = re.compile(r"[\[\]](?=~|e~)")  # MiniMax's "]~b]" and "[e~["
# "[7]", "[1, 2]", "[3–5]": reference marks in wikis, but citations in answers.
_CITATION = re.compile(r"\[([\s,;–—-]*\d[\d\s,;–—-]*)\]")

_URL_SAFE = "!#$&'()*+,/:;=?@%~"
_MAX_URL_CHARS = 300
_MAX_LINE_CHARS = 160


def quoted_text(text: str) -> str:
    """Return text that is safe between our delimiters.

    Args:
        text: Any text from a wiki.

    Returns:
        The text without control and invisible characters and repeated empty lines. `«` becomes
        `“`, `<` of a chat template tag becomes `&lt;`, and `[7]` becomes `［7］`.
    """
    text = _LINE_BREAK.sub("\n", _INVISIBLE.sub("", text))
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    text = _BLANK_LINES.sub("\n\n", text).strip()
    text = _BRACKETED.sub(r"［\1］", _CITATION.sub(r"［\1］", text)).translate(_QUOTES)
    text = _TILDE.sub(lambda match: "［" if match[0] == "[" else "］", text)
    return _TAG.sub("&lt;", text)


def quoted_line(text: str) -> str:
    """Quote a title or the like as one line of at most 160 characters, with `"` as `'`."""
    line = " ".join(quoted_text(text).split()).replace('"', "'")
    return line if len(line) <= _MAX_LINE_CHARS else line[: _MAX_LINE_CHARS - 1].rstrip() + "…"


def quoted_url(url: str) -> str:
    """Percent-encode an address as in RFC 3986; empty if it has over 300 characters."""
    clean = _SURROGATE.sub("", _CONTROL.sub("", _INVISIBLE.sub("", url))).strip()
    # Letters of other scripts are easier to read and cost fewer tokens without encoding.
    safe = "".join(c if c.isalnum() else quote(c, safe=_URL_SAFE) for c in clean)
    return safe if len(safe) <= _MAX_URL_CHARS else ""
