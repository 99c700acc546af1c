"""The bodies of OpenAI's API, as far as they are read here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.models import Answer
from assistant.web.api import shapes


class Part(BaseModel):
    """A part of a message's content; only text is read."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: str
    text: str | None = None


class Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    include_usage: bool | None = None


class Extension(shapes.Given):
    """What OpenAI's API has no field for."""

    as_of: shapes.Day | None = None
    filters: shapes.Filters | None = None
    conversation_id: shapes.ConversationId | None = None


class Completion(BaseModel):
    """A request of OpenAI's API: the last message of the user is the question, those before it are read with it.

    What has no meaning here (temperature, max_tokens, …) is ignored; what asks for something else (n, tools, images) is refused.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=200)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    thesis: Extension | None = None


class ModelInfo(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[ModelInfo]


class Said(BaseModel):
    """A message of the assistant; ``thesis`` is the Answer, whose claims and citations can be checked."""

    role: Literal["assistant"]
    content: str
    refusal: None
    thesis: Answer


class Choice(BaseModel):
    index: int
    message: Said
    finish_reason: Literal["stop"]
    logprobs: None


class Usage(BaseModel):
    """Zeros: tokens are not counted here."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completed(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
