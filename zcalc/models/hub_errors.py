"""What went wrong between here and the model hub, each with its own cure."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from zcalc.errors import ZcalcError

_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


class DamagedError(ZcalcError):
    """A file whose content is not what the hub says it is."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is damaged: its hash is not the one on the model hub. It was removed.",
            "Run it again to download it anew; if it happens twice, a proxy or the disk is at "
            "fault.",
        )


@contextmanager
def explained(repo: str, by_hand: str) -> Iterator[None]:
    """Turn failures of talking to the hub into ZcalcErrors; `by_hand` is how to do without it."""
    try:
        yield
    except (ZcalcError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise _explain(error, repo, by_hand) from error


def _explain(error: Exception, repo: str, by_hand: str) -> ZcalcError:
    explain = (_of_repository, _of_status, _of_disk)
    found = (kind(error, repo, by_hand) for kind in explain)
    return next((e for e in found if e is not None), None) or _of_connection(error, repo, by_hand)


def _of_repository(error: Exception, repo: str, by_hand: str) -> ZcalcError | None:
    """A repository that isn't there, or not for everybody; or the hub must not be asked."""
    from huggingface_hub import errors
    from huggingface_hub.constants import ENDPOINT

    name, _, revision = repo.partition("@")
    match error:
        case errors.OfflineModeIsEnabled():
            message = f"{repo} is not on this machine, and HF_HUB_OFFLINE forbids downloads"
            cure = f"Unset HF_HUB_OFFLINE.\n{by_hand}"
        case errors.GatedRepoError():
            message = f"{name} is gated: its authors want to be asked first"
            cure = f"Ask at {ENDPOINT}/{name}, then set HF_TOKEN to a token of that account."
        case errors.RevisionNotFoundError():
            message = f"{name} on the model hub has no revision {revision}"
            cure = f"Leave the part after @ out, or look at {ENDPOINT}/{name}/commits/main."
        case errors.RepositoryNotFoundError() if not _refuses_token(error):
            message = f"{repo} does not exist on the model hub, or it is private"
            cure = (
                "Check the name, or the path if you mean a folder. For a private one set HF_TOKEN."
            )
        case _:
            return None
    return ZcalcError(f"{message}.", cure)


def _of_status(error: Exception, repo: str, by_hand: str) -> ZcalcError | None:
    """An answer with an HTTP status that says no."""
    response = getattr(error, "response", None)
    match getattr(response, "status_code", None):
        case None:
            return None
        case 401:
            message = "The model hub refuses your token"
            cure = "Correct or unset HF_TOKEN, or log in again: hf auth login"
        case 403:
            message = f"The model hub forbids access to {repo}"
            cure = "The token in HF_TOKEN may lack the permission to read it: make one that may."
        case 404:
            message, cure = f"A file of {repo} is missing on the model hub", by_hand
        case 429:
            wait = response.headers.get("Retry-After", "") if response is not None else ""
            time = f"{wait} seconds" if wait.isdigit() else "a few minutes"
            message = "The model hub has had too many requests from here"
            cure = f"Run it again in {time}; with HF_TOKEN set, the hub allows more."
        case status:
            message = f"The model hub has a fault (HTTP {status})"
            cure = f"Run it again later; what was downloaded is kept.\n{by_hand}"
    return ZcalcError(f"{message}.", cure)


def _of_disk(error: Exception, repo: str, by_hand: str) -> ZcalcError | None:
    """A cache without room, or that can't be written."""
    from huggingface_hub.constants import HF_HUB_CACHE

    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    locked = isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    if not (full or locked):
        return None
    if full:
        hint = "Make room, or set HF_HOME to a folder on a larger disk."
        return ZcalcError(f"The disk with {HF_HUB_CACHE} is full.", hint)
    hint = "Set HF_HOME to a folder that you may write."
    return ZcalcError(f"The folder {HF_HUB_CACHE} can't be written.", hint)


def _of_connection(error: Exception, name: str, by_hand: str) -> ZcalcError:
    """No answer, or none that ended."""
    kind, text = type(error).__name__, str(error).partition("\n")[0]
    proxy = next((v for v in _PROXIES if os.environ.get(v)), "")
    again = "Check the connection and run it again; what was downloaded is kept."
    if "Proxy" in kind or (proxy and "Connect" in kind):
        return ZcalcError(
            f"The proxy {_address(proxy)} doesn't let through to the model hub: {text}",
            f"Correct or unset {proxy or 'the proxy'}.",
        )
    if "CERTIFICATE" in text.upper():
        return ZcalcError(
            f"The certificate of the model hub can't be verified: {text}",
            "Behind a company's proxy, set SSL_CERT_FILE to its certificates.",
        )
    if "Timeout" in kind:
        return ZcalcError(f"The model hub stopped answering while {name} was fetched.", again)
    if kind in ("RemoteProtocolError", "ReadError"):
        return ZcalcError(f"The connection broke while {name} was downloaded.", again)
    return ZcalcError(f"Can't download {name} from the model hub: {text or kind}", by_hand)


def _address(variable: str) -> str:
    """A proxy's address in a variable, without the name and password that it may have."""
    scheme, slashes, rest = os.environ.get(variable, "").rpartition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"


def _refuses_token(error: Exception) -> bool:
    """Whether the hub answers 401 to a token; without one it does so for what isn't there."""
    from huggingface_hub import get_token

    status = getattr(getattr(error, "response", None), "status_code", None)
    return status == 401 and get_token() is not None and "credentials" in str(error).lower()
