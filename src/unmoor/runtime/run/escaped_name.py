"""File names as text for lists, terminals and URLs: a harness may give a file any bytes as its name."""

from __future__ import annotations

import unicodedata

# Controls, marks that reorder or hide text, line and paragraph separators, and bytes that are not UTF-8.
HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn")
# Letters and a symbol that are drawn as nothing: Hangul fillers and the empty Braille cell.
EMPTY = "\u115f\u1160\u2800\u3164\uffa0"


def escape_file_name(name: str) -> str:
    """The name with each hidden character as `\\x0a` or `\\u202e`, and each backslash doubled, so that different names
    stay different. `name` holds bytes that are not UTF-8 as surrogates, as os.scandir() gives them."""
    return "".join(_escape(char) for char in name)


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if unicodedata.category(char) not in HIDDEN and char not in EMPTY:
        return char
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte, as the surrogateescape error handler keeps it
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
