"""A prompt's digests, computed elsewhere: what they are of must never change, or every stored prompt is a new one."""

from annotation.preferences.splits import opening_digest, prompt_digest, split_of_opening

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Grüße"},
    {"role": "assistant", "content": "Hallo."},
    {"role": "user", "content": "More."},
]
# printf 'Grüße' | sha256sum
GREETING = "f83e039796c6453a10f5519e39fd113901572316a1a8ea07cb525d2801dfd074"


def test_a_prompts_digest_is_that_of_its_json_in_utf_8() -> None:
    """printf '["text", [["user", "é"]]]' | sha256sum."""
    assert (
        prompt_digest("text", [{"role": "user", "content": "é"}])
        == "512740482f212523e3742bed5a7500b61b6da6f3fec63b23d28f8a16df436015"
    )


def test_a_prompt_opens_with_the_first_turn_that_is_a_users() -> None:
    assert opening_digest(CHAT) == opening_digest(CHAT[:2]) == GREETING


def test_a_prompt_without_a_user_opens_with_its_first_turn() -> None:
    assert opening_digest([{"role": "system", "content": "Grüße"}, CHAT[2]]) == GREETING


def test_of_ten_openings_in_a_row_eight_train_one_validates_and_one_tests() -> None:
    named = [split_of_opening(f"{number:064x}") for number in range(10)]
    assert named == ["train"] * 8 + ["validation", "test"]
