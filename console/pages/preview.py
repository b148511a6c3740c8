"""Guidelines as annotators will read them, while somebody writes them: a fragment."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from annotation.texts.markdown import render_document

# Longer than any guidelines that are read.
MOST_CHARACTERS = 200_000


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The text as HTML without scripts, styles and images; nothing is kept."""
    text = request.POST.get("text", "")
    if len(text) > MOST_CHARACTERS:
        words = f"There is no preview of more than {MOST_CHARACTERS} characters."
        return HttpResponse(words, status=413, content_type="text/plain")
    return HttpResponse(render_document(text))
