"""The two manners of reading: strict for what is sent, lenient for what a service answers."""

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Something a caller sends: an unknown field is an error, since it would be lost in silence."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Answer(BaseModel):
    """Something a service answers: unknown fields are ignored, since services add them."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())
