"""The style sheets' colours."""

import re

from django.conf import settings


def test_dark_is_the_same_by_the_devices_choice_and_by_the_persons() -> None:
    text = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
    blocks = re.findall(r":root[^{,]*\{[^}]*color-scheme: dark;([^}]*)\}", text)
    device, person = ([line.strip() for line in block.split(";")] for block in blocks)
    assert device == person
    assert len(device) > 15


def test_pages_use_the_tokens_colours_and_no_others() -> None:
    for sheet in (settings.BASE_DIR / "static" / "css").glob("*.css"):
        if sheet.name != "tokens.css":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s])|\brgba?\(|\bhsla?\(", sheet.read_text()), (
                sheet.name
            )
