"""Questions to a recorded run: what its heads do, what it would say early, who wrote the answer, and by which route.

Every module is pure functions from a `Trace` to small frozen records; what takes long is asked for piece by piece.

    recorded.py      reading a trace, and saying so where something is missing
    heads.py         what a head measurably does on this prompt; attention weighted by what it moves
    lens.py          the logit lens, layer by layer; how much each token of the prompt surprised the model
    attribution.py   which parts of the model wrote a logit
    neurons.py       which neurons fired and wrote, where one fires, and what it promotes
    flow.py          the routes by which information reached the last state of the residual stream
    edge_attribution.py  how much of a logit came along each edge of these routes
    score_parts.py   who wrote the query's and the key's side of an attention score
    circuits.py      what heads would copy and match whatever the prompt: OV, QK, composition
    detectors.py     head scores as libraries and papers define them
    folded.py        the model with its layer norms folded away, as TransformerLens processes it
    compare.py       two runs: what differs between them
"""
