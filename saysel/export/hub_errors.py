"""Errors of the Hugging Face hub, and of the network, in one line that never shows the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from saysel.errors import SayselError, UsageError

TOKENS = "https://huggingface.co/settings/tokens"


@contextmanager
def hub_errors(repository: str, endpoint: str) -> Iterator[None]:
    """Turn whatever huggingface_hub raises into an error of one line.

    Args:
        repository: `OWNER/NAME`.
        endpoint: URL of the hub.

    Raises:
        UsageError: something has to change before another attempt.
        SayselError: the hub fails or cannot be reached.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled:
        reason = "HF_HUB_OFFLINE is set: unset it"
        raise UsageError(f"--push {repository}: {reason}") from None
    except errors.LocalTokenNotFoundError:
        reason = "there is no token: run hf auth login, or set HF_TOKEN"
        raise UsageError(f"--push {repository}: {reason}") from None
    except errors.HfHubHTTPError as error:
        raise _refusal(repository, endpoint, error) from None
    except RuntimeError as error:  # how huggingface_hub reports a failed upload of a large file
        cause = error.__cause__ or error
        if isinstance(cause, errors.HfHubHTTPError):
            raise _refusal(repository, endpoint, cause) from None
        raise _unreachable(repository, endpoint, cause) from None
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise _unreachable(repository, endpoint, error) from None
    except ValueError as error:  # invalid metadata, such as a licence that the hub does not know
        raise UsageError(f"--push {repository}: {_one_line(error)}") from None


def _unreachable(repository: str, endpoint: str, error: BaseException) -> SayselError:
    return SayselError(
        f"--push {repository}: {endpoint} cannot be reached ({_one_line(error)}): try again later"
    )


def _refusal(repository: str, endpoint: str, error: Any) -> SayselError:
    """The error for a reply of the hub that is no success."""
    status = error.response.status_code
    if status == 401:
        reason = "the hub does not accept the token: run hf auth login, or set another HF_TOKEN"
    elif status == 403:
        reason = f"the token may not write to this repository: change its permissions at {TOKENS}"
    else:
        said = _one_line(error.server_message or f"status {status}")
        if status == 429 or status >= 500:
            reason = f"{endpoint} failed ({said}): try again later"
            return SayselError(f"--push {repository}: {reason}")
        reason = f"the hub refuses: {said}"
    return UsageError(f"--push {repository}: {reason}")


def _one_line(error: object) -> str:
    """A message in one line, and without the token, whatever a server has put into it."""
    from huggingface_hub import get_token

    text = " ".join(str(error).split()) or type(error).__name__
    token = get_token()
    return text.replace(token, "TOKEN") if token else text
