"""The literals that a chat template puts round turns and what they hold, as markers of the vocabulary.

step-audio:
  open: bot                                    <|BOT|>human\n … <|EOT|>
  close: eot
  roles: {tool: function_output}
"""

from weft.schemas.settings import Settings


class ChatTemplate(Settings):
    """A turn is the marker `open`, its role as `roles` spells it, `after_role`, what it says, and the marker `close` ("": none)."""

    open: str = ""
    close: str = ""
    roles: dict[str, str] = {}
    after_role: str = "\n"

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close}) - {""}

    def header(self, role: str) -> str:
        """The text between the marker `open` and what the turn says.

        >>> ChatTemplate(roles={"tool": "function_output"}).header("tool")
        'function_output\\n'
        """
        return f"{self.roles.get(role, role)}{self.after_role}"
