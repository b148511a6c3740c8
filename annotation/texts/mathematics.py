"""Mathematics in Markdown stays as it is written: its backslashes, underscores and stars are its own.

Found as models write it: ``\\(...\\)``, ``\\[...\\]``, ``$$...$$``, and ``$...$`` where a dollar is no price, by
pandoc's rule (tex_math_dollars): no space within, no digit behind.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_INLINE = re.compile(
    r"\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]|\$\$.{1,1000}?\$\$|\$(?![\s$])(?:\\.|[^\\$\n])*?(?<![\s\\])\$(?!\d)",
    re.DOTALL,
)
# A name as programs have them, which is no bold word.
_DUNDER = re.compile(r"__[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__(?![\w_])")
# Lines of a formula: of ten thousand that each open one, none is searched to the end of the text.
_MOST_LINES = 60
_DISPLAYED = {"\\[": "\\]", "$$": "$$"}


def keep(parser: MarkdownIt) -> None:
    """Teach a parser to leave formulas and names like ``__init__`` alone."""
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.block.ruler.before("list", "formula", _displayed, {"alt": ["paragraph"]})


def _formula(state: StateInline, silent: bool) -> bool:
    first = state.src[state.pos]
    if first in "\\$":
        match = _INLINE.match(state.src, state.pos, state.posMax)
    elif first == "_" and not (state.pos and re.match(r"\w", state.src[state.pos - 1])):
        match = _DUNDER.match(state.src, state.pos, state.posMax)
    else:
        return False
    if match is None:
        return False
    if not silent:
        for number, line in enumerate(match.group().split("\n")):
            if number:
                state.push("hardbreak", "br", 0)
            state.push("text", "", 0).content = line
    state.pos = match.end()
    return True


def _displayed(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula that begins a line is one paragraph up to its end, whatever its lines begin with."""
    if state.is_code_block(start):
        return False
    first = state.bMarks[start] + state.tShift[start]
    opening = state.src[first : first + 2]
    if opening not in _DISPLAYED:
        return False
    last, end = start, min(end, start + _MOST_LINES)
    while last < end:
        line = state.src[state.bMarks[last] + state.tShift[last] : state.eMarks[last]]
        if line[2 * (last == start) :].rstrip().endswith(_DISPLAYED[opening]):
            break
        last += 1
    if last >= end:
        return False
    if silent:
        return True
    state.line = last + 1
    opened = state.push("paragraph_open", "p", 1)
    opened.map = [start, state.line]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, state.line, state.blkIndent, False).strip()
    inline.map, inline.children = [start, state.line], []
    state.push("paragraph_close", "p", -1)
    return True
