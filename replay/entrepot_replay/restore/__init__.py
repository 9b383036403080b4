"""Restore: brings the documents of a product to their state at a moment, at a target that may hold some of them.

State, not history: `history` reads out of the journal what every document was (`wanted`), `live` asks the target what
is there, `same` compares, `decide` says what is to be done, `ways` which requests do it; `survey` puts all of this to
every document, and `plan` stores what comes of it as the steps of a replay (`step` is what a step knows beyond a
replay's). `attempter` sends them under the replay's executor, with a fresh look before each first write, and `readback`
reads everything again when it is over.
"""
