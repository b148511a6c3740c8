"""A template tag for what is the same on many pages: it is rendered once for each of the values that it names.

    {% once letter=card.letter places=places %} ... {% endonce %}

Within there is nothing but those values, so that nobody is shown what was made for somebody else. They are few and
short (letters, counts, a project's slug), and a process keeps what it has rendered: half of a task's page is the places
of its completions, addresses and choices, which would be put together anew for everybody.
"""

from collections.abc import Mapping

from django.template import Context, Library, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString

# A tag forgets all it has when it has this much: of projects there may be any number. And what somebody sent as one of
# a few words may be a long text, of which nothing is kept.
MOST = 256
LONGEST = 100

register = Library()


class OnceNode(Node):
    """Keeps what it rendered, by the values of ``names``."""

    def __init__(self, nodelist: NodeList, names: Mapping[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._names = names
        self._rendered: dict[tuple[object, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """As it is kept, or else rendered now. Raises TypeError for a value that is no key of a dictionary."""
        values = tuple(value.resolve(context) for value in self._names.values())
        rendered = self._rendered.get(values)
        if rendered is None:
            rendered = self.nodelist.render(context.new(dict(zip(self._names, values, strict=True))))
            if not any(isinstance(value, str) and len(value) > LONGEST for value in values):
                self._keep(values, rendered)
        return rendered

    def _keep(self, values: tuple[object, ...], rendered: SafeString) -> None:
        if len(self._rendered) >= MOST:
            self._rendered.clear()
        self._rendered[values] = rendered


@register.tag
def once(parser: Parser, token: Token) -> OnceNode:
    """``{% once name=value ... %}``, up to ``{% endonce %}``."""
    words = token.split_contents()[1:]
    names = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError(f"once takes name=value and no {words[0]!r}")
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return OnceNode(nodelist, names)
