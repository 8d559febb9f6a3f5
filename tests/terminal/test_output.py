"""All text goes out through one door: nothing goes round it, and nothing hostile gets through it."""

import ast
import io
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import explorer
import gpt
from explorer.cli import main
from explorer.terminal import output
from explorer.terminal.glyphs import one_line, quoted, shortened
from tests.helpers.checkpoint_builder import write_checkpoint, write_config

DOORS = {"explorer/terminal/output.py", "gpt/__main__.py"}
ASKED = {
    *("explorer/commands/verify.py", "explorer/commands/words.py", "explorer/commands/explore.py"),
    *("explorer/screen/ending.py", "explorer/terminal/native.py"),
}
"""They ask the streams whether they are terminals, read from them, or say which descriptor they are."""

EVIL = "a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb"
"""It would set the title, clear the screen, colour it, and turn the line around."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in (explorer, gpt):
        root = Path(package.__file__ or "").parent
        for file in root.rglob("*.py"):
            yield str(file.relative_to(root.parent)), ast.parse(file.read_text(encoding="utf-8"))


def names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name in some code: "print", "sys.stdout.write"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield ast.unparse(node)


def calls(tree: ast.AST, *called: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in called:
            yield node


def round_the_door(tree: ast.AST) -> set[str]:
    """The ways in which some code writes to a terminal by itself."""
    forbidden = ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "stdout.write", "stderr.write")
    alone = {"print", "pprint", "input", "warnings.warn", "os.system"}
    parsers = {ast.unparse(call.func) for call in calls(tree, "ArgumentParser")}
    return parsers | {name for name in names(tree) if name in alone or name.startswith(forbidden)}


def test_nothing_goes_round_the_door() -> None:
    found = {place: round_the_door(tree) for place, tree in sources()}
    assert found["explorer/terminal/output.py"], "the door itself writes"
    others = {place: used for place, used in found.items() if used and place not in DOORS | ASKED}
    assert others == {}
    for place in ASKED & found.keys():
        assert not any("write" in used or used in ("print", "pprint") for used in found[place]), place


def test_a_way_round_would_be_found() -> None:
    for code in ("print(1)", "sys.stdout.write('x')", "x = sys.stderr", "argparse.ArgumentParser()"):
        assert round_the_door(ast.parse(code)), code
    assert not round_the_door(ast.parse("output.say('x'); sys.stdin.buffer.read()"))


def test_on_the_screen_titles_are_literal_and_texts_have_no_markup() -> None:
    """A title is a constant or goes through `literal`; a Label or a Static reads no markup; a field is our own."""
    for place, tree in sources():
        if not place.startswith("explorer/screen/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr in ("border_title", "border_subtitle")
                for target in node.targets
            ):
                assert _is_literal(node.value), f"{place}:{node.lineno}"
        for call in calls(tree, "Label", "Static"):
            plain = any(keyword.arg == "markup" and ast.unparse(keyword.value) == "False" for keyword in call.keywords)
            assert plain or ast.unparse(call).endswith("Static(self._text())"), f"{place}:{call.lineno}"
        assert not list(calls(tree, "Input")), f"{place}: a Field shows hostile text safely"


def _is_literal(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) == "literal"
    if isinstance(value, ast.IfExp):
        return _is_literal(value.body) and _is_literal(value.orelse)
    return ast.unparse(value) in ("_LEAVES", "self.TITLE or None")


# What comes out


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def commands(said: str) -> set[str]:
    """The characters in a text that could command a terminal."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {each for each in said if unicodedata.category(each) in kinds and each not in "\n\t\r"}


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """The exit status of a call, and all that it says on a terminal."""
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    try:
        status = main(words)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, out.getvalue() + err.getvalue()


@pytest.fixture
def evil_model(tmp_path: Path) -> Path:
    """A sound model in a folder whose name is hostile."""
    return write_checkpoint(tmp_path / EVIL.replace("/", ""))


CALLS: list[list[str]] = [
    ["generate", "x", "--model", EVIL],
    ["generate", "x", "--model", "./" + EVIL],
    ["generate", "x", "--model", f"gpt2@{EVIL}"],
    ["generate", "x", "--model", f"{EVIL}/{EVIL}"],
    ["generate", "x", EVIL],
    ["generate", "x", f"--{EVIL}"],
    ["generate", "x", "--seed", EVIL],
    ["generate", "x", "--engine", EVIL],
    ["generate", f"@{EVIL}"],
    ["trace", "x", "-o", f"/no/{EVIL}"],
    ["trace", "x", "-o", "x", "--only", EVIL],
    ["open", EVIL],
    ["open", "/no/" + EVIL],
    ["explain", "x", "--at", EVIL],
    ["explain", "x", "--at", f"{EVIL}[0]"],
    ["source", EVIL],
    ["attribute", "x", "--token", EVIL],
    ["attribute", "x", "--token", "id:" + EVIL],
    ["ablate", "x", "--at", EVIL],
    ["ablate", "x", "--head", EVIL],
    ["sweep", "x", "--metric", EVIL],
    ["sweeep" + EVIL],
    [EVIL, "--engine", "x"],
]


@pytest.mark.parametrize("words", CALLS, ids=lambda words: " ".join(words).encode("ascii", "replace").decode())
def test_the_words_of_a_call_cannot_command_the_terminal(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = on_a_terminal(monkeypatch, *words)
    assert status in (1, 2)
    assert said
    assert not commands(said), said


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: write_config(folder, architectures=[EVIL]),
        lambda folder: write_config(folder, model_type=EVIL),
        lambda folder: write_config(folder, activation_function=EVIL),
        lambda folder: write_config(folder, eos_token_id=EVIL),
        lambda folder: (folder / "config.json").write_text(EVIL),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes(EVIL.encode()),
        lambda folder: (folder / "vocab.json").write_text(f'{{"{EVIL}": 0}}'),
        lambda folder: (folder / "merges.txt").write_text(f"{EVIL} {EVIL}\n"),
    ],
)
def test_the_files_of_a_model_cannot_either(
    damage: Callable[[Path], object], evil_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(evil_model)
    status, said = on_a_terminal(monkeypatch, "generate", "x", "--model", str(evil_model))
    assert status == 1
    assert "gpt-explorer: " in said
    assert said.count("\n") == 1, "one line, though the name has none of its own"
    assert not commands(said), said


def test_the_name_of_a_written_file_cannot_either(
    evil_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"run{EVIL}\n"
    status, said = on_a_terminal(monkeypatch, "trace", "the", "-o", str(file), "--model", str(evil_model))
    assert status == 0
    assert file.is_file()
    assert not commands(said)


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in a name cannot make it look like two messages."""
    assert main(["open", "a\ngpt-explorer: all is well"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_data_in_a_pipe_is_exact(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["generate", EVIL, "--max-new-tokens", "0"]) == 0
    assert capfdbinary.readouterr().out == EVIL.encode() + b"\n"


# Long things in messages


def test_long_words_are_cut() -> None:
    assert quoted("abc") == "'abc'"
    assert quoted("1" * 5000, 3) == "'111…' (5,000 characters)"
    assert shortened(-123) == "-123"
    assert shortened(10**99, 3) == "100… (100 digits)"
    assert shortened(-(10**99), 3) == "-100… (100 digits)"
    assert one_line("a\nb\tc\x1b") == "a⏎b⇥c␛"


DIGITS = "1" * 5000


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "x", "--at", f"logits[0,{DIGITS}]"],
        ["explain", "x", "--at", f"logits[0,{DIGITS[:4000]}]"],
        ["attribute", "x", "--token", f"id:{DIGITS}"],
        ["attribute", "x", "--token", f"id:{DIGITS[:4000]}"],
        ["attribute", "x", "--position", f"-{DIGITS}"],
        ["attribute", "x", "--position", DIGITS[:4000]],
        ["ablate", "x", "--at", f"hook_embed[{DIGITS},*]"],
        ["ablate", "x", "--at", "hook_embed[²,*]"],
        ["ablate", "x", "--at", "blocks.².hook_mlp_out[0,*]"],
        ["ablate", "x", "--at", f"blocks.{DIGITS[:4000]}.hook_mlp_out[0,*]"],
        ["ablate", "x", "--head", f"1.{DIGITS}"],
        ["ablate", "x", "--head", f"1.{DIGITS[:4000]}"],
        ["ablate", "x", "--edge", f"1.1:{DIGITS}-0"],
        ["ablate", "x", "--mlp", DIGITS],
        ["generate", "--ids", DIGITS],
        ["generate", "--ids", DIGITS[:4000]],
        ["generate", "x", "--seed", DIGITS],
        ["generate", "x", "--model", DIGITS],
        ["generate", "x", "--model", f"./{DIGITS}"],
        ["open", DIGITS],
        ["trace", "x", "-o", DIGITS],
        ["source", DIGITS],
    ],
    ids=lambda words: f"{words[0]} {words[-2]}",
)
def test_numbers_of_5000_digits_and_names_as_long(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, said = on_a_terminal(monkeypatch, *words)
    assert status in (1, 2)
    assert "bug" not in said
    assert not list(tmp_path.iterdir())


# Streams that are closed, full, or of another encoding


def run(words: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
    """The program, run by itself."""
    command = [sys.executable, "-m", "explorer", *words]
    return subprocess.run(command, check=False, **{"capture_output": True} | options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_an_encoding_that_lacks_characters(encoding: str) -> None:
    words = ["ablate", "Once upon", "--head", "0.1", "--top", "1"]
    done = run(words, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert b"\\u2212" in done.stdout, "the minus sign, as an escape"
    assert done.stderr.count(b"lacks some of its characters") == 1
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_what_fits_the_encoding_is_said_without_a_word() -> None:
    done = run(["generate", "Once", "--max-new-tokens", "1"], env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes them")
@pytest.mark.parametrize(
    ("closed", "status", "out", "error"),
    [
        ("<&-", 0, b"Once upon", b""),
        (">&-", 1, b"", b"gpt-explorer: standard output is closed"),
        ("2>&-", 0, b"Once upon", b""),
        ("<&- >&- 2>&-", 1, b"", b""),
    ],
)
def test_closed_streams(closed: str, status: int, out: bytes, error: bytes) -> None:
    call = f'"{sys.executable}" -m explorer generate "Once upon" --max-new-tokens 0 {closed}'
    done = subprocess.run(["sh", "-c", call], capture_output=True, check=False)
    assert done.returncode == status
    assert done.stdout.startswith(out)
    assert done.stderr.startswith(error)
    assert bool(done.stderr) == bool(error)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes it")
def test_an_error_with_standard_error_closed_goes_nowhere_else() -> None:
    call = f'"{sys.executable}" -m explorer generate "" 2>&-'
    done = subprocess.run(["sh", "-c", call], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")


FULL = """
import io, sys
class Full(io.RawIOBase):
    def writable(self): return True
    def write(self, data): raise OSError(28, "No space left on device")
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Full()), encoding="utf-8")
from explorer.program import program
sys.argv[1:] = {words!r}
program()
"""


@pytest.mark.parametrize(
    "words",
    [["generate", "Once"], ["models"], ["models", "--json"], ["source"], ["--help"], ["--version"]],
    ids=" ".join,
)
def test_a_full_disk(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", FULL.format(words=words)], capture_output=True, check=False)
    said = "standard output cannot be written: No space left on device. Make room, or print to another place."
    assert done.stderr.decode().splitlines() == [f"gpt-explorer: {said}"]
    assert done.returncode == 1


def test_nobody_reads_the_output() -> None:
    program = [sys.executable, "-m", "explorer", "source", "--json"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (1, b"")


# A bug


def test_a_bug_ends_in_a_report_without_the_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise KeyError("secret words")

    monkeypatch.setattr("explorer.commands.headless.generate_text", fail)
    assert main(["generate", "secret words"]) == 1
    out, error = capsys.readouterr()
    assert not out
    assert "this is a bug in GPT Explorer" in error
    assert "KeyError" in error
    assert "explorer.commands.generate:" in error
    assert "secret" not in error
    assert "Traceback" not in error
    assert str(Path.home()) not in error


def test_too_little_memory_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("explorer.commands.headless.generate_text", fail)
    assert main(["generate", "x"]) == 1
    assert capsys.readouterr().err.startswith("gpt-explorer: there is not enough memory")


def test_progress_is_shown_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Terminal(), "x\r"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        output.tell_progress("x")
        assert stream.getvalue() == shown
