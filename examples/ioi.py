"""Indirect object identification on the embedded model, over 56 prompts: eight names, every pair in both orders."""

import numpy as np

import explorer as gx

NAMES = ["Tom", "Lily", "Ben", "Mia", "Sam", "Anna", "Max", "Lucy"]
PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b]
END, SECOND = 10, 8  # positions: of "to", and of the name that comes a second time

model, found = gx.load("stories"), []
for a, b in PAIRS:
    clean = model.run(f"{a} and {b} went to the park. {a} said to")  # who is spoken to? b
    corrupted = model.run(f"{a} and {b} went to the park. {b} said to")  # the names swapped: a
    lead = gx.logit_difference(f" {b}", f" {a}")
    sender = gx.head(3, 3).patch(corrupted)
    measured = {
        "lead": clean.measure(lead),
        "right": clean.measure(lead) > 0,
        "lens": clean.lens(f" {b}")[:, END],  # the probability of b, part after part
        "attribution": clean.attribute(f" {b}", versus=f" {a}", by="head").by_head,
        "patching": clean.patching(corrupted, "heads", lead).values,  # 0: as corrupted, 1: as clean
        "by position": clean.patching(corrupted, "resid_pre", lead, by_position=True, at=[SECOND, END]).values,
        "path to queries": clean.path(sender, "5.2.q", mlps_follow=True).measure(lead),
        "path to logits": clean.path(sender, "logits").measure(lead),
        "3.3 looks at the second name": clean["blocks.3.attn.hook_pattern"][3, END, SECOND],
        "5.2 looks at the other name": clean["blocks.5.attn.hook_pattern"][2, END, 2],
        "5.2 copies": gx.copy_score(clean, 5, 2, positions=[2]),
        "3.3 copies": gx.copy_score(clean, 3, 3, positions=[2]),
    }
    found.append(measured)
means = {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}

if __name__ == "__main__":
    np.set_printoptions(precision=3, suppress=True)
    for name, mean in means.items():
        print(f"{name}:\n{mean}" if np.ndim(mean) else f"{name}: {mean:.3f}")
