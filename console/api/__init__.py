"""The API as a whole: what is true of the endpoints of every stage, and where they are mounted.

errors.py     one shape of error
schema.py     the OpenAPI schema: tags, scopes, errors and keys of every operation
filters.py    lists of data, narrowed by the words of their pages
meanings.py   what fields of answers mean, where no serializer says it
examples.py   what programs send and get, as the schema shows it
docs.py       the schema as a page
lineage.py    where a row of data comes from, and what came of it
runs.py       runs of every kind
urls.py       /api/v1/
"""
