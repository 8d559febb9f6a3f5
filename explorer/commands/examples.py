"""The examples of every `--help`; a test runs each of them, in a folder with the files that they read."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "gpt-explorer",
        'gpt-explorer "Tom and Lily went to the park."',
        "gpt-explorer --model gpt2 --temperature 0",
    ),
    "generate": (
        'gpt-explorer generate "Once upon a time" --max-new-tokens 50',
        'gpt-explorer generate "Once upon a time" --greedy --json',
        "gpt-explorer generate --prompts prompts.txt --csv",
    ),
    "tour": ("gpt-explorer tour", "gpt-explorer tour --list", "gpt-explorer tour sampling --stop 2"),
    "play": ("gpt-explorer play talk.jsonl --speed 2",),
    "notes": ("gpt-explorer notes --once",),
    "read": ('gpt-explorer read "Once upon a time" --stage pattern --block 2 --head 1',),
    "explain": (
        "gpt-explorer explain \"Once upon a time\" --at 'logits[3,262]' --terms 5",
        "gpt-explorer explain \"Once upon a time\" --at 'blocks.2.attn.hook_pattern[1,3,0]' --csv",
    ),
    "source": ("gpt-explorer source blocks.2.attn.hook_pattern", "gpt-explorer source --csv"),
    "attribute": ('gpt-explorer attribute "Tom and Lily went to the park. Tom said to" --by head --top 5',),
    "lens": ('gpt-explorer lens "Once upon a time"', 'gpt-explorer lens "Once upon a time" --csv'),
    "ablate": (
        'gpt-explorer ablate "Tom and Lily went to the park. Tom said to" --head 3.3',
        'gpt-explorer ablate "Once upon a time" --mlp 2 --scale 0.5 --top 3 --csv',
    ),
    "sweep": ('gpt-explorer sweep "Once upon a time" --over mlps --mean',),
    "patch": ('gpt-explorer patch "Tom and Lily played. Tom said to" "Tom and Lily played. Lily said to"',),
    "path": ('gpt-explorer path "Tom and Lily went to the park. Tom said to" --head 3.3 --to 5.2.q',),
    "score": ('gpt-explorer score "Tom and Lily went to the park. Tom said to" --head 5.2 --key 2 --top 5',),
    "heads": ('gpt-explorer heads "Once upon a time" --top 5', "gpt-explorer heads --definitions"),
    "neurons": ('gpt-explorer neurons "Once upon a time" --layer 2 --top 5',),
    "flow": ('gpt-explorer flow "Once upon a time" --by logit --top 5',),
    "compare": ('gpt-explorer compare "Tom said to" "Lily said to" --top 5',),
    "circuit": ("gpt-explorer circuit", 'gpt-explorer circuit --head 5.2 --token " Lily"'),
    "steering": ("gpt-explorer steering blocks.2.hook_resid_pre --prompts prompts.txt -o direction.safetensors",),
    "trace": ("gpt-explorer trace \"Once upon a time\" -o run.safetensors --only 'blocks.*.hook_resid_post'",),
    "open": ("gpt-explorer open run.safetensors",),
    "serve": ("gpt-explorer serve", 'gpt-explorer serve --port 0 "Once upon a time"'),
    "save": (
        'gpt-explorer save "Tom said to" --edit "head 3.3: zero" -o tom.toml',
        'gpt-explorer save "Once upon a time" --draw 10 --seed 3 -o story.toml',
    ),
    "export": ("gpt-explorer export \"Once upon a time\" -o walk.html --from 'block 2' --to 'block 3'",),
    "config": ("gpt-explorer config", "gpt-explorer config --example", "gpt-explorer config --keys"),
    "bench": ("gpt-explorer bench --quick --only plain --tokens 4 --against none",),
    "models": ("gpt-explorer models", "gpt-explorer models --csv"),
    "verify": ("gpt-explorer verify --csv",),
    "man": ("gpt-explorer man",),
    "completion": ("gpt-explorer completion bash", "gpt-explorer completion fish"),
}
"""Of the screen, whose command has no name, and of every command."""
