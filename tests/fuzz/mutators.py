"""What is done to good inputs: tables of changes of bytes, of TOML texts and of single values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Random = random.Random

ODD_TEXTS = (  # where a name, a path, a number or a size is wanted
    "", " ", "x", "0", "-1", "1.5", "nan", "inf", "-inf", "1e999", "9" * 400, "9" * 6000,
    "1000000000", "-9223372036854775809", "0x10", "1_000", "true", "none", "None", "null", "[]",
    "{}", "%s%n", "{0}", "..", ".", "/", "//", "...toml", "..toml", ".toml", "../../x", "a" * 300,
    "a" * 5000, "a/" * 2500, "~nobody_such/x.db", "~", "/dev/null", "/dev/zero", "/dev/full",
    "/dev/stdin", "/proc/self/mem", "/etc/passwd", "C:\\x\\y", "\\\\host\\x", "naïve", "日本語",
    "\x1b[2J\x1b]0;owned\x07", "a\nb", "a\rb", "a\tb", "\u202egnp.exe", "\udcff\udcfe",
    "=cmd|' /C x'!A0",
    "<script>alert(1)</script>", "'; DROP TABLE studies; --", "-", "--", "-h", "--help", "--study",
    "demo", "here", "ray", "auto", "quickstart", "quickstart.toml", "swish", "heavy", "metric",
    "cells",
    "http://127.0.0.1:9/x", "file:///etc/passwd", "20GB", "-1GB", "1e400GB", "0B", "1 ZB", "GB",
)  # fmt: skip
ODD_TOML = (  # where a value is wanted
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e308", "1e-320", "10000000000", "9" * 400,
    "9" * 5000,
    "true", "false", '""', '"x"', '"\\u0000"', '"\\u001b[2J"', "'\\'", "[]", "[[]]", "{}", "[1, 2]",
    "[true]", "{ a = 1 }", "{ float = [0, 1] }", "{ float = [1e-3, 1e999] }", "{ int = [1, 3] }",
    "{ int = [0, 9223372036854775808] }", "{ int = [1, 3], step = 99999999999999999999 }",
    "{ float = [nan, nan] }", "{ float = [0.1, 0.10000000000000001] }", "{ choice = [] }",
    '{ choice = ["a", 1, true, 1.5] }', "{ choice = [1, true] }", "{ choice = [[1]] }",
    '{ choice = [1], when = { x = [1] } }', "{ float = [1e-4, 1e-2], log = 1 }", "{ when = 3 }",
    "1979-05-27T07:32:00Z", "07:32:00", "1979-05-27", "0x7fffffffffffffff", "1_0", "01", "+1",
    '"""\na\n"""', '"' + "x" * 5000 + '"', '"swish"', '"heavy"', "[" * 500 + "]" * 500,
    "[" * 40 + "]" * 40, "{ a = " * 30 + "1" + " }" * 30, '"' + "/" * 300 + '"', "1.", "=", "#",
)  # fmt: skip
ODD_KEYS = (
    "lr",
    "metric",
    "trails",
    "",
    "a.b",
    '"\\u0000"',
    '"\\u001b[1m"',
    "x" * 3000,
    "__class__",
)


def flip_bits(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8, 64)) if content else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def set_bytes(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 4, 32)) if content else 0):
        changed[chance.randrange(len(changed))] = chance.choice(
            (0, 1, 0x7F, 0x80, 0xFF, 0x28, 0x5B)
        )
    return bytes(changed)


def cut_short(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def cut_out(chance: Random, content: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.choice((1, 16, 512)) :]


def put_in(chance: Random, content: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + chance.randbytes(chance.choice((1, 16, 512))) + content[start:]


def repeat(chance: Random, content: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start : start + 256] * chance.choice((2, 20)) + content[start:]


def fill(chance: Random, content: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    n_bytes = min(chance.choice((4, 64, 1024)), len(content) - start)
    return content[:start] + chance.choice((b"\0", b"\xff")) * n_bytes + content[start + n_bytes :]


def replace_all(chance: Random, content: bytes) -> bytes:
    del content
    return chance.choice(
        (b"", b"\0" * 100, b"PK\x05\x06" + b"\0" * 18, b"\xff\xfe[\0a\0]\0", b"hello\n" * 99)
    )


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (
    flip_bits, set_bytes, cut_short, cut_out, put_in, repeat, fill, replace_all,
)  # fmt: skip


def _lines(text: str) -> list[str]:
    return text.splitlines() or [""]


def odd_value(chance: Random, text: str) -> str:
    places = list(re.finditer(r"(?<=[=\[,] )[^\s,\[\]{}]+|(?<== ).+", text))
    if not places:
        return text
    place = chance.choice(places)
    return text[: place.start()] + chance.choice(ODD_TOML) + text[place.end() :]


def odd_key(chance: Random, text: str) -> str:
    places = list(re.finditer(r"^\w+(?= *=)|(?<=^\[)\w+|\w+(?= = )", text, re.MULTILINE))
    place = chance.choice(places)
    return text[: place.start()] + chance.choice(ODD_KEYS) + text[place.end() :]


def without_line(chance: Random, text: str) -> str:
    lines = _lines(text)
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def line_twice(chance: Random, text: str) -> str:
    lines = _lines(text)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return "\n".join(lines)


def new_line(chance: Random, text: str) -> str:
    lines = _lines(text)
    added = f"{chance.choice((*ODD_KEYS, 'seed', 'score', 'dropout'))} = {chance.choice(ODD_TOML)}"
    lines.insert(chance.randrange(len(lines) + 1), added)
    return "\n".join(lines)


def many_mistakes(chance: Random, text: str) -> str:
    for _ in range(chance.randrange(2, 12)):
        text = chance.choice((odd_value, odd_key))(chance, text)
    return text


TOML: tuple[Callable[[Random, str], str], ...] = (
    odd_value, odd_value, odd_value, odd_key, without_line, line_twice, new_line, many_mistakes,
)  # fmt: skip


def toml_file(chance: Random, text: str) -> bytes:
    """Return the bytes of a changed TOML file: mostly another text, sometimes other bytes."""
    for _ in range(chance.choice((1, 1, 2))):
        text = chance.choice(TOML)(chance, text) or text
    kind = chance.random()
    if kind < 0.05:
        return text.encode("utf-16")
    if kind < 0.1:
        return text.encode("utf-8-sig")
    content = text.encode("utf-8", "replace")
    if kind < 0.2:
        return chance.choice(BYTES)(chance, content)
    return content
