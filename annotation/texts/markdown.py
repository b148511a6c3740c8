"""Markdown of strangers as HTML that is safe to show: model output, prompts and guidelines are hostile input.

Two walls, either of which would do: the parser knows no raw HTML or images, and its output passes an allow-list.
What a reader could not see (``annotation.texts.visible``) is shown by signs.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from annotation.texts import mathematics
from annotation.texts.visible import visible

# Characters; a longer text is shown as it is, because parsing it would hold the page up for seconds.
LONGEST_PARSED = 30_000
# A process keeps the HTML of some hundred short texts and of some dozen long ones: twenty megabytes at most.
_SHORT = 8_000
# Tags, the closing ones included; a browser takes seconds to lay out more of them, tables above all.
_MOST_TAGS = 5_000
_TAGS = {
    *("p", "br", "hr", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("strong", "em", "s", "code", "pre", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
# Each finds its direction by its first letter: an answer may hold two scripts. What lies within has its block's,
# because the marks of a list stand where the list begins.
_BLOCKS = {*("p", "h4", "h5", "h6", "blockquote", "ul", "ol", "table")}
_ATTRIBUTES = {"a": {"href", "target"}, "ol": {"start", "dir"}, **{tag: {"dir"} for tag in _BLOCKS - {"ol"}}}
_ATTRIBUTES |= {"table": {"dir", "tabindex"}, "th": {"align"}, "td": {"align"}}
# What a table's line of dashes says of a column, as the parser writes it and as it is kept: styles are not.
_ALIGNED = {f"text-align:{side}": side for side in ("left", "center", "right")}
_SCHEMES = {"http", "https", "mailto"}
_LINK_REL = "noopener noreferrer nofollow"


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("target", "_blank")
    return renderer.renderToken(tokens, index, options, env)


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """An image's words instead of the image: fetching it would tell its host who reads what, and when."""
    token = tokens[index]
    return str(escape(f"[image: {token.content or token.attrGet('src') or ''}]"))


def _demote_headings(state: StateCore) -> None:
    """Headings start below the page's own (h1 to h3), so that its outline stays true."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 3)}"


def _mark_blocks(state: StateCore) -> None:
    for token in state.tokens:
        if token.nesting == 1 and token.level == 0 and token.tag in _BLOCKS:
            token.attrSet("dir", "auto")
        # A wide one scrolls by itself, which keys can do where it has the focus.
        if token.type == "table_open":
            token.attrSet("tabindex", "0")
        if token.type in {"th_open", "td_open"} and (side := _ALIGNED.get(str(token.attrGet("style")))):
            token.attrSet("align", side)


def _leads_elsewhere(url: str) -> bool:
    """Whether a link may stay a link: relative ones would point into Concord itself."""
    return url.lower().startswith(tuple(f"{scheme}:" for scheme in _SCHEMES))


def _parser(breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": breaks}).enable(["table", "strikethrough"])
    parser.validateLink = _leads_elsewhere  # type: ignore[method-assign]  # documented as meant to be replaced
    mathematics.keep(parser)
    parser.core.ruler.push("demote_headings", _demote_headings)
    parser.core.ruler.push("mark_blocks", _mark_blocks)
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("image", _image)
    return parser


# Line breaks count in what models write: lists of "name: value" lines, as plain text.
_MESSAGES = _parser(breaks=True)
# They do not in what people keep in files, which editors wrap.
_DOCUMENTS = _parser(breaks=False)


def render(text: str) -> SafeString:
    """``text`` as HTML without scripts, styles, images, classes or ids; links open apart and tell nobody."""
    return _safe(text, _MESSAGES)


def render_document(text: str) -> SafeString:
    """The same for guidelines, whose lines flow together within a paragraph."""
    return _safe(text, _DOCUMENTS)


def written(text: str) -> str:
    """What ``render`` was given, with signs for what cannot be seen; "" where that shows it as it is."""
    text = visible(text)
    return "" if render(text) == _as_it_is(text) else text


def _safe(text: str, parser: MarkdownIt) -> SafeString:
    # N annotators are shown the same texts, and everybody the same guidelines; a page asks for each text twice.
    if len(text) > LONGEST_PARSED:
        return _as_it_is(visible(text))
    return (_short if len(text) <= _SHORT else _long)(text, parser)


# Letters, digits and marks that mean nothing to the parser wherever they stand, with none that HTML would have escaped;
# a line begins with a letter, or with one in quotes or brackets. Most of what models write is nothing else.
_PLAIN_LINE = (
    r"[\"'(\u2018\u201c]?[^\W\d_][\w .,;:!?%£€()/\"'\u2013\u2014\u2018\u2019\u201c\u201d\u2026-]*(?<! )"
)
_PLAIN = re.compile(rf"{_PLAIN_LINE}(?:\n\n?{_PLAIN_LINE})*")
_MOST_PLAIN_LINES = 1_000


def _plain(text: str, parser: MarkdownIt) -> SafeString | None:
    """What the parser would make of a text in which there is nothing for it to find; None of every other text.

    It is made in a tenth of the time, and the page of a new task waits for a handful of them.
    """
    if "_" in text or text.count("\n") > _MOST_PLAIN_LINES or not _PLAIN.fullmatch(text):
        return None
    line_end = "<br>\n" if parser is _MESSAGES else "\n"
    paragraphs = (paragraph.replace("\n", line_end) for paragraph in text.split("\n\n"))
    return mark_safe("".join(f'<p dir="auto">{paragraph}</p>\n' for paragraph in paragraphs))  # noqa: S308 (no sign of HTML)


def _rendered(text: str, parser: MarkdownIt) -> SafeString:
    text = visible(text)
    if len(text) > LONGEST_PARSED:  # the signs made it longer
        return _as_it_is(text)
    if (plain := _plain(text, parser)) is not None:
        return plain
    parsed = parser.render(text)
    if parsed.count("<") > _MOST_TAGS:
        return _as_it_is(text)
    html = nh3.clean(
        parsed,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel=_LINK_REL,
    )
    return mark_safe(html)  # noqa: S308 (nh3 has just cleaned it)


_short, _long = lru_cache(maxsize=512)(_rendered), lru_cache(maxsize=64)(_rendered)


def _as_it_is(text: str) -> SafeString:
    return format_html("<pre>{}</pre>", text)
