"""Generation without a screen: what it returns, and what it writes as it goes."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.commands.headless import generate_text
from explorer.errors import UsageError
from gpt import GPTConfig, Sampling, generate
from tests.helpers.models import Bytes, Scripted, Words, embedded, small_model

MODEL = small_model(seed=2, vocab_size=256, n_positions=16)
EOS = 0
CONFIG = GPTConfig.from_dict({"vocab_size": 256, "n_positions": 99, "n_embd": 4, "n_head": 1, "eos_token_id": EOS})
GREEDY = Sampling(0)


class Stream(StringIO):
    """A stream that remembers what was written at a time, and may say that it is a terminal."""

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self.written: list[str] = []
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.written.append(text)
        return super().write(text)


def said(tokens: bytes, terminal: bool = False, tokenizer: Bytes | Words | None = None) -> Stream:
    """The stream after the model said these tokens to the prompt ">"."""
    stream = Stream(terminal)
    generate_text(Scripted(CONFIG, tokens), tokenizer or Bytes(), ">", len(tokens), GREEDY, 0, stream)
    return stream


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(0.8, 40, 0.9)], ids=str)
def test_the_ids_are_the_prompts_and_those_that_generate_gives(sampling: Sampling) -> None:
    result = generate_text(MODEL, Bytes(), "little", 6, sampling, 3)
    assert set(result) == {"prompt", "prompt_ids", "ids", "text", "ended"}
    assert result["prompt"] == "little"
    assert result["prompt_ids"] == list(b"little")
    expected = [step.token for step in generate(MODEL, list(b"little"), 6, sampling, 3)]
    assert result["ids"] == [*b"little", *expected]
    assert result["text"] == bytes(result["ids"]).decode(errors="replace")


def test_writing_it_changes_nothing() -> None:
    written = generate_text(MODEL, Bytes(), "little", 6, Sampling(), 3, Stream())
    assert written == generate_text(MODEL, Bytes(), "little", 6, Sampling(), 3)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_the_pieces_written_make_up_the_text(text: str) -> None:
    stream = said(text.encode())
    assert stream.getvalue() == f">{text}\n"
    assert "".join(stream.written) == f">{text}\n"


def test_a_character_spread_over_tokens_is_written_whole() -> None:
    written = said("é漢👩x".encode()).written
    assert [piece for piece in written if piece] == [">", "é", "漢", "👩", "x", "\n"]


def test_a_character_that_never_ends_is_written_as_such() -> None:
    assert said("é".encode()[:1]).getvalue() == ">\ufffd\n"
    assert said(b"\xe6\xbcx").getvalue() == ">\ufffdx\n"


def test_each_token_is_written_as_soon_as_it_is_drawn() -> None:
    class Watched(Scripted):
        def forward(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
            assert stream.getvalue() == ">abc"[: 4 - len(self.script)]
            return super().forward(*args, **kwargs)  # type: ignore[arg-type]

    stream = Stream()
    generate_text(Watched(CONFIG, b"abc"), Bytes(), ">", 3, GREEDY, 0, stream)
    assert stream.getvalue() == ">abc\n"


def test_on_a_terminal_control_characters_are_pictures() -> None:
    shown = said(b"a\x1b[31m\r\x07\x9b", terminal=True).getvalue()
    assert shown == ">a␛[31m␍␇\ufffd\n"
    assert said("\u202eb\u200b\x9b2J".encode(), terminal=True).getvalue() == ">‹202e›b‹200b›‹9b›2J\n"
    assert said(b"a b\n\tc", terminal=True).getvalue() == ">a b\n\tc\n"


def test_in_a_file_they_are_themselves() -> None:
    assert said(b"a\x1b[31m\r").getvalue() == ">a\x1b[31m\r\n"


def test_a_prompt_cannot_command_the_terminal_either() -> None:
    stream = Stream(terminal=True)
    generate_text(Scripted(CONFIG, b"x"), Bytes(), "\x1b]0;title\x07", 1, GREEDY, 0, stream)
    assert stream.getvalue() == "␛]0;title␇x\n"


def test_the_end_of_text_is_in_the_ids_but_not_written() -> None:
    stream = Stream()
    tokens = Words([b"<|endoftext|>", *(bytes([byte]) for byte in range(1, 256))])
    script = Scripted(CONFIG, [*b"ab", EOS, *b"more"])
    result = generate_text(script, tokens, "62", 9, GREEDY, 0, stream)
    assert result["ids"] == [62, *b"ab", EOS]
    assert stream.getvalue() == "62ab\n"


def test_an_empty_prompt_is_refused_before_anything_is_written() -> None:
    stream = Stream()
    with pytest.raises(UsageError, match="empty"):
        generate_text(MODEL, Bytes(), "", 3, GREEDY, 0, stream)
    assert stream.written == []


def test_no_new_tokens_are_the_prompt_alone() -> None:
    stream = Stream()
    result = generate_text(MODEL, Bytes(), "little", 0, GREEDY, 0, stream)
    assert result["ids"] == result["prompt_ids"]
    assert stream.getvalue() == "little\n"


def test_the_embedded_model_tells_a_story() -> None:
    model, checkpoint = embedded()
    stream = Stream()
    result = generate_text(model, checkpoint.tokenizer, "Once upon a", 4, GREEDY, 0, stream)
    assert result["text"].startswith("Once upon a time")
    assert checkpoint.tokenizer.decode(result["ids"]) == result["text"]
    assert stream.getvalue() == result["text"] + "\n"
