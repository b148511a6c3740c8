"""Lines of the JSONL kinds, strictly, into typed values. Pure: no Django, settings, database or clock.

lines.py        a stream of bytes -> lines, gzip or not, none longer than the limit in memory
formats.py      files that are something else, told by how they begin
decoding.py     a line's bytes -> one JSON object that Postgres can hold
fields.py       an object's fields, typed, each error naming its field
parts.py        what the kinds share: prompt, completions, metadata
dialogues.py    pairs whose answers hold the prompt
provenance.py   the reserved key ``concord``
records.py      the typed values: prompts, completions, and a line of each kind
kinds.py        parse: a kind and a line's bytes -> its typed value
remarks.py      of it, flags and skips
writing.py      an object -> its line
errors.py       what is wrong with a line or a file
"""
