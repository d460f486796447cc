"""Windows PowerShell 5.1, as far as docs/api.md speaks it: the same calls, and the same bytes on the wire.

What `Invoke-WebRequest` sends was taken from .NET Framework's `HttpWebRequest`, which it is made of: the order of the
headers, `Expect: 100-continue` before every body, and the body only after `100 Continue` or 350 milliseconds.
"""

import http.client
import json
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

AGENT = "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1"
CONTINUE_SECONDS = 0.35
BOM = b"\xef\xbb\xbf"

VALUE = r"""'[^']*'|"[^"]*"|\$[\w.]+(?:\[\d+\][\w.]*)?|[\w./][\w./-]*"""
PARAMETER = re.compile(rf"-(\w+)(?:\s+({VALUE}))?")
MEMBER = re.compile(rf"(\w+)\s*=\s*({VALUE})")


@dataclass
class Request:
    """What `Invoke-WebRequest` was told."""

    method: str
    uri: str
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""

    @property
    def head(self) -> bytes:
        """The bytes that go first."""
        address = urlsplit(self.uri)
        lines = [f"{self.method.upper()} {address.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"User-Agent: {AGENT}"]
        if self.body:
            lines += [f"Content-Type: {self.content_type}"]
        lines += [f"Host: {address.netloc}"]
        if self.body:
            lines += [f"Content-Length: {len(self.body)}", "Expect: 100-continue"]
        return "\r\n".join([*lines, "Connection: Keep-Alive", "", ""]).encode("latin-1")


@dataclass
class Answer:
    """What came back."""

    status: int
    content_type: str
    content: str
    continued: bool


def send(request: Request, *, patience: float = CONTINUE_SECONDS) -> Answer:
    """Put the request on the wire: the head, and after `100 Continue`, or when patience ends, the body."""
    address = urlsplit(request.uri)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(request.head)
        continued = bool(request.body) and heard_continue(wire, patience)
        wire.sendall(request.body)
        response = http.client.HTTPResponse(wire, method=request.method.upper())
        response.begin()
        content = response.read().decode()
    return Answer(response.status, response.headers["Content-Type"], content, continued)


def heard_continue(wire: socket.socket, patience: float) -> bool:
    """Tell whether the server asked for the body in time; what it said is left for the reader of the answer."""
    wire.settimeout(patience or 0.001)
    try:
        return wire.recv(64, socket.MSG_PEEK).startswith(b"HTTP/1.1 100 ")
    except TimeoutError:
        return False
    finally:
        wire.settimeout(20)


def to_json(members: dict) -> str:
    """Return what `ConvertTo-Json` of 5.1 makes: CRLF, four spaces, two after the colon."""
    return json.dumps(members, indent=4, ensure_ascii=False).replace('": ', '":  ').replace("\n", "\r\n")


class Shell:
    """Runs the statements of the document, one a line; remembers variables, requests and what was shown."""

    def __init__(self, folder: Path, patience: float = CONTINUE_SECONDS) -> None:
        self.folder, self.patience = folder, patience
        self.variables, self.shown = {}, []
        self.requests, self.answers = [], []

    def run(self, script: str) -> None:
        for line in filter(str.strip, script.splitlines()):
            self.run_line(line.strip())

    def run_line(self, line: str) -> None:
        if assigned := re.fullmatch(r"\$(\w+) = (.+)", line):
            self.variables[assigned[1]] = self.evaluate(assigned[2])
        elif line.startswith("Set-Content "):
            self.set_content(**self.parameters(line))
        else:
            self.shown.append(self.evaluate(line))

    def evaluate(self, expression: str) -> object:
        source, _pipe, stage = expression.partition(" | ")
        if source.startswith("Invoke-WebRequest "):
            return self.invoke(**self.parameters(source))
        if called := re.fullmatch(r"\[Text\.Encoding\]::UTF8\.GetBytes\((.+)\)", source):
            return self.value(called[1]).encode()
        if table := re.fullmatch(r"(?:\[ordered\])?@\{ (.+) \}", source):
            found = {name: self.value(value) for name, value in MEMBER.findall(table[1])}
        else:
            found = self.value(source)
        return {"": lambda it: it, "ConvertTo-Json": to_json, "ConvertFrom-Json": json.loads}[stage](found)

    def parameters(self, line: str) -> dict[str, object]:
        return {name: self.value(value) if value else True for name, value in PARAMETER.findall(line.partition(" ")[2])}

    def value(self, text: str) -> object:
        if text.startswith("'"):
            return text[1:-1]
        if text.startswith('"'):
            inner = re.sub(r"\$\(\$([\w.]+)\)", lambda found: str(self.look_up(found[1])), text[1:-1])
            return re.sub(r"\$(\w+)", lambda found: str(self.look_up(found[1])), inner)
        return self.look_up(text[1:]) if text.startswith("$") else text

    def look_up(self, path: str) -> object:
        name, *steps = re.findall(r"\w+", path)
        found = self.variables[name]
        for step in steps:
            found = found[int(step)] if step.isdigit() else found.content if step == "Content" else found[step]
        return found

    def set_content(self, Path: str, Value: str, Encoding: str) -> None:  # noqa: N803
        assert Encoding == "UTF8"
        (self.folder / Path).write_bytes(BOM + Value.encode() + b"\r\n")

    def invoke(self, Method: str, Uri: str, UseBasicParsing: bool, **others: object) -> Answer:  # noqa: N803
        assert UseBasicParsing, "without it, 5.1 wants an Internet Explorer that was set up"
        body = others.get("Body") or ((self.folder / others["InFile"]).read_bytes() if "InFile" in others else b"")
        assert isinstance(body, bytes), "5.1 sends a string as ISO 8859-1"
        request = Request(Method, Uri, others.get("Headers", {}), others.get("ContentType", ""), body)
        self.requests.append(request)
        self.answers.append(send(request, patience=self.patience))
        assert self.answers[-1].status < 400, f"{Uri}: {self.answers[-1].content}"
        return self.answers[-1]
