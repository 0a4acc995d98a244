"""Stores the events of a session's streams, so that a lost stream can be resumed."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp_types import JSONRPCMessage


@dataclass(frozen=True)
class _Event:
    stream: StreamId
    message: JSONRPCMessage | None


class MemoryEventStore(EventStore):
    """Events in one list; an event's id is its index."""

    def __init__(self) -> None:
        self._events: list[_Event] = []

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        """Store an event and return its id."""
        self._events.append(_Event(stream_id, message))
        return str(len(self._events) - 1)

    async def replay_events_after(
        self, last_event_id: EventId, send_callback: EventCallback
    ) -> StreamId | None:
        """Send the later events of an event's stream; return the stream, None if it is unknown."""
        last = int(last_event_id) if last_event_id.isdecimal() else len(self._events)
        if last >= len(self._events):
            return None
        stream = self._events[last].stream
        for number, event in enumerate(self._events[last + 1 :], last + 1):
            if event.stream == stream and event.message is not None:
                await send_callback(EventMessage(event.message, str(number)))
        return stream
