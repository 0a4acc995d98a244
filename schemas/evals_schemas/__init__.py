"""The contracts: what the evaluation services and the tools exchange, as pydantic models.

Requests forbid unknown fields, so that a misspelt one is refused; what a service answers is read
leniently, so that a field it adds later breaks nothing. Needs pydantic and the standard library.
"""
