"""The commands of `gpt-explorer`: each module has a `parser()` and a `run(options)` that returns the exit status."""

COMMANDS = {
    "generate": ("PROMPT", "print text, without the screen"),
    "tour": ("[NAME|FILE]", "a guided walk on the screen"),
    "play": ("FILE", "play a recording of the screen again"),
    "notes": ("", "the speaker's notes, in a second terminal"),
    "read": ("PROMPT", "the walk in sentences, for screen readers and for print"),
    "explain": ("PROMPT --at CELL", "the terms that a number is the sum of"),
    "source": ("NAME", "the code that computes an activation"),
    "attribute": ("PROMPT", "which parts wrote the answer: heads, MLPs, neurons, positions"),
    "lens": ("PROMPT", "the next token as predicted after every block"),
    "ablate": ("PROMPT --head 3.3", "the answer without a head, an MLP, an edge, ..."),
    "sweep": ("PROMPT", "the answer without each head, MLP or position in turn"),
    "patch": ("CLEAN CORRUPTED", "activation patching between two prompts"),
    "path": ("PROMPT --head 3.3 --to 5.2.q", "path patching: a part's effect by way of chosen readers"),
    "score": ("PROMPT --head 5.2 --key 2", "why a head looks there: the score by who wrote both sides"),
    "heads": ("PROMPT", "the measured behaviour of every head"),
    "neurons": ("PROMPT", "the neurons that fired most, or one neuron at every token"),
    "flow": ("PROMPT", "the edges by which information reached the last position"),
    "compare": ("PROMPT OTHER", "two prompts side by side, and how the next token differs"),
    "circuit": ("--head 5.2", "what heads would copy and match, whatever the prompt"),
    "steering": ("NAME --prompts FILE -o FILE", "a steering vector: the mean of an activation over prompts"),
    "trace": ("PROMPT -o FILE", "write every activation of a run to a file"),
    "open": ("FILE", "walk through such a file on the screen"),
    "models": ("", "list the models"),
    "verify": ("", "compare every function with NumPy and PyTorch"),
}
"""Every command but the screen itself: the words that follow it, and its line in `gpt-explorer --help`."""
