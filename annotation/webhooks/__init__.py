"""Signed messages to other servers: a task has all its judgements, a run has ended.

    subscribing.py   webhooks made, paused, given a new secret, deleted
    telling.py       what happened -> a delivery for each webhook that hears of it, in the transaction of what happened
    sending.py       deliveries that are due -> POST, again after a while, until one is answered with 2xx or all failed
    signing.py       the signature of the Standard Webhooks specification
    connecting.py    one POST to a public address: no redirects, no private networks

A message is sent at least once and holds no text of anybody: ids, times, and where to ask for more.
"""
