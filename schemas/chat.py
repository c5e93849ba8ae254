"""The literals that a chat template puts round turns and what they hold, as markers of the vocabulary.

step-audio:
  open: bot                                    <|BOT|>human\n … <|EOT|>
  close: eot
  roles: {tool: function_output}
"""

from weft.schemas.settings import Settings


class ChatTemplate(Settings):
    """A turn is the marker `open`, its role as `roles` spells it, `after_role`, what it says, and the marker `close` ("": none).

    A tool call stands between the markers `call_open` and `call_close`, or where they are none, the text <tool_call> and </tool_call>.
    """

    open: str = ""
    close: str = ""
    roles: dict[str, str] = {}
    after_role: str = "\n"
    call_open: str = ""
    call_close: str = ""

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close, self.call_open, self.call_close}) - {""}

    def header(self, role: str) -> str:
        """The text between the marker `open` and what the turn says.

        >>> ChatTemplate(roles={"tool": "function_output"}).header("tool")
        'function_output\\n'
        """
        return f"{self.roles.get(role, role)}{self.after_role}"
