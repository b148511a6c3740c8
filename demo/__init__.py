"""What `make demo` shows: notices for walks that do not exist, the small policy that writes them, and the project.

A prompt lists a few facts of a walk, a completion is a notice that states them. Anyone can tell the better
of two notices in seconds: count the facts. All text comes from the word lists and the grammar in this folder; nothing
is taken from anywhere else.

    facts.py           what can be said of a walk; a prompt's text, and its facts read back from it
    walks.py           draw a walk by seed
    wording.py         the phrases that state one fact
    sentences.py       phrases -> sentences -> a notice, in one of three tones
    demonstrations.py  notices as a crowd writes them: most are right, some leave a fact out or get it wrong
    measure.py         which facts a notice states, misses, gets wrong, invents or repeats
    project.py         the demo project: its name, guidelines (guidelines.md), settings and prompts
    create.py          the demo project in the database: accounts, prompts, the policy, a first set of tasks
    build.py           train the policy with this project's own SFT
    model_card.py      what the policy's README.md says
    policy/            the trained policy: weights as safetensors, tokenizer, meta.json, model card
"""
