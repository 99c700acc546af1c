"""A limit on the head of a request: uvicorn's parser has none, so that anybody could fill the memory with headers."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST = 64 * 1024  # bytes of request line and headers


class BoundedHead(HttpToolsProtocol):
    """Answers 400 to a head that grows beyond ``LARGEST`` (and the last piece read), and hangs up."""

    _open = False
    _read = 0

    def on_message_begin(self) -> None:
        self._open, self._read = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._open = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._open or self.transport.is_closing():
            return
        self._read += len(data)
        if self._read > LARGEST:
            self.send_400_response("The headers of the request are too large.")
