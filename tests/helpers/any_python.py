"""The output of a command, to be compared whatever Python prints it."""

import re


def on_any_python(text: str) -> list[str]:
    """The words without the digits that differ: from 3.12 on products are added up with less rounding."""
    text = re.sub(r" +[+−-]?\d\.?\d*e[−-]1\d", " tiny", text)
    text = re.sub(r"\d+\.\d{7,}", lambda found: f"{float(found[0]):.6f}", text)
    return [word for line in text.splitlines() if "rounded while adding" not in line for word in line.split()]
