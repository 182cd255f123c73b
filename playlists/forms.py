"""What may come in about playlists."""

from stages.forms import Lenient, text


class ExportSetForm(Lenient):
    """Which set becomes a playlist."""

    sessionId = text(64, required=True)
