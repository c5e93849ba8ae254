"""The literals that a chat template puts round turns and what they hold, as markers of the vocabulary.

step-audio:
  open: bot                                    <|BOT|>human\n … <|EOT|>
  close: eot
  roles: {tool: function_output}
  audio: [audio-start, audio-patch, audio-end]  <audio_start><audio_patch>…<audio_patch><audio_end>
"""

from collections.abc import Iterable

from weft.schemas.settings import Settings
from weft.schemas.vocabulary import Modality


class ChatTemplate(Settings):
    """A turn is the marker `open`, its role as `roles` spells it, `after_role`, what it says, and the marker `close` ("": none).

    Latent audio is the three markers `audio`: one that opens, one that each placeholder is, one that closes; so is an image by `image`.
    A tool call stands between the markers `call_open` and `call_close`, or where they are none, the text <tool_call> and </tool_call>.
    """

    open: str = ""
    close: str = ""
    roles: dict[str, str] = {}
    after_role: str = "\n"
    call_open: str = ""
    call_close: str = ""
    audio: tuple[str, str, str] = ("audio-start", "audio-patch", "audio-end")
    image: tuple[str, str, str] = ("image-start", "image-patch", "image-end")

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.open, self.close, self.call_open, self.call_close}) - {""}

    def latent_markers(self, latents: Iterable[Modality]) -> frozenset[tuple[str, Modality]]:
        """The markers of these latents, `audio` or `image`, each with the modality that it must be of."""
        return frozenset((marker, one) for one in latents for marker in getattr(self, one))

    def header(self, role: str) -> str:
        """The text between the marker `open` and what the turn says.

        >>> ChatTemplate(roles={"tool": "function_output"}).header("tool")
        'function_output\\n'
        """
        return f"{self.roles.get(role, role)}{self.after_role}"
